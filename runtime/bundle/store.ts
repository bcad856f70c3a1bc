import { constants } from 'node:fs'
import { lstat, open, readdir, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { DIGEST } from '../../schemas/names.ts'
import { absentAsNull, isCode, makeDirectory, removeLeftovers, writeDurably } from '../git/durable-fs.ts'
import { decodeBundle, encodeBundle, MAX_ENCODED_BYTES } from './container.ts'
import { bundleDigest } from './digest.ts'
import type { BundleFiles } from './files.ts'

/** `damage` says why an entry that was there could not be used; it is null where there was none. */
export type Stored = { files: BundleFiles; damage: null } | { files: null; damage: string | null }

export type BundleStore = {
  /**
   * Keeps a bundle; when this resolves, it is on disk.
   * @throws Fault `DIGEST_MISMATCH` when `digest` is not that of `files`
   */
  put: (digest: string, files: BundleFiles) => Promise<void>
  /** A bundle whose digest was computed again from what the disk gave. A damaged entry is set aside and is a miss. */
  get: (digest: string) => Promise<Stored>
  /** Removes what was not used for the longest time until the rest fits; never what is in `keep`. Gives what it removed. */
  evict: (keep: ReadonlySet<string>) => Promise<string[]>
}

const ENDING = '.bundle'
const QUARANTINE = 'damaged'
const MOST_DAMAGED = 8

/** A content-addressed cache of sealed bundles in a folder of its own: one file per digest, named by its hex digits. */
export async function openBundleStore(options: {
  folder: string
  maxBytes: number
  now: () => Date
}): Promise<BundleStore> {
  const { folder, maxBytes, now } = options
  const quarantine = join(folder, QUARANTINE)
  await makeDirectory(quarantine)
  await removeLeftovers(folder)

  const pathOf = (digest: string) => {
    if (!DIGEST.test(digest)) throw new Fault('BUNDLE_UNVERIFIED', `expected a digest, found ${JSON.stringify(digest)}`)
    return join(folder, `${digest.slice('sha256:'.length)}${ENDING}`)
  }

  async function setAside(path: string, digest: string): Promise<void> {
    await makeDirectory(quarantine)
    const name = `${digest.slice('sha256:'.length)}-${now().getTime()}`
    await absentAsNull(rename(path, join(quarantine, name)))
    const older = (await entriesOf(quarantine)).slice(0, -MOST_DAMAGED)
    for (const { path: old } of older) await rm(old, { force: true, recursive: true })
  }

  return {
    async put(digest, files) {
      const path = pathOf(digest)
      const found = bundleDigest(files)
      if (found !== digest) throw new Fault('DIGEST_MISMATCH', `expected a bundle of ${digest}, found one of ${found}`)
      await makeDirectory(folder)
      await writeDurably(path, encodeBundle(files), 0o600)
    },

    async get(digest) {
      const path = pathOf(digest)
      const bytes = await readPlainFile(path)
      if (bytes === null) return { files: null, damage: null }
      const decoded = bytes.problem === null ? decodeBundle(bytes.body) : { files: null, problem: bytes.problem }
      const problem = decoded.problem ?? mismatch(digest, decoded.files)
      if (problem === null && decoded.files !== null) {
        // Only so that what is used is evicted last; a disk that refuses it does not make the bundle wrong.
        await utimes(path, now(), now()).catch(() => undefined)
        return { files: decoded.files, damage: null }
      }
      await setAside(path, digest)
      return { files: null, damage: `${path}: ${problem}; it was moved to ${quarantine}` }
    },

    async evict(keep) {
      const entries = (await entriesOf(folder)).filter(({ path }) => path.endsWith(ENDING))
      const kept = new Set([...keep].map(pathOf))
      const removed: string[] = []
      let total = entries.reduce((sum, { size }) => sum + size, 0)
      for (const { path, size } of entries.filter((entry) => !kept.has(entry.path))) {
        if (total <= maxBytes) break
        await rm(path, { force: true })
        total -= size
        removed.push(`sha256:${path.slice(folder.length + 1, -ENDING.length)}`)
      }
      return removed
    },
  }
}

function mismatch(digest: string, files: BundleFiles | null): string | null {
  const found = files === null ? null : bundleDigest(files)
  return found === digest ? null : `expected the digest ${digest}, found ${found}`
}

/** Bytes of a plain file, never through a link; null where there is none. */
async function readPlainFile(
  path: string,
): Promise<{ body: Buffer; problem: null } | { body: null; problem: string } | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const status = await file.stat()
      if (!status.isFile()) return { body: null, problem: 'expected a plain file' }
      if (status.size > MAX_ENCODED_BYTES) return { body: null, problem: `expected at most ${MAX_ENCODED_BYTES} bytes` }
      return { body: await file.readFile(), problem: null }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return null
    if (isCode(error, 'ELOOP')) return { body: null, problem: 'expected a plain file, found a link' }
    if (isCode(error, 'EIO') || isCode(error, 'EISDIR')) return { body: null, problem: 'it cannot be read' }
    throw error
  }
}

/** Entries of a folder, the one that was used longest ago first. */
async function entriesOf(folder: string): Promise<{ path: string; size: number; used: number }[]> {
  const names = (await absentAsNull(readdir(folder))) ?? []
  const entries = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name)
      const status = await absentAsNull(lstat(path))
      return status === null ? [] : [{ path, size: status.size, used: status.mtimeMs }]
    }),
  )
  return entries.flat().sort((a, b) => a.used - b.used || (a.path < b.path ? -1 : 1))
}
