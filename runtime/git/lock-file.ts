import { randomBytes } from 'node:crypto'
import { link, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Fault } from '../../schemas/fault.ts'
import {
  absentAsNull,
  asFarAsAllowed,
  isCode,
  lstatOrNull,
  makeDirectory,
  sweep,
  syncDirectory,
  writeFileSynced,
} from './durable-fs.ts'
import { IDENTITY, isGone, processIdentity } from './process-identity.ts'

const FILE = /^contractor-([0-9a-f-]+)_[0-9a-f]{12}\.(?:owner|ref)$/
/** Held for a moment by the one process that removes a stale lock. */
const BREAKING = 'contractor-breaking'
const OWNER = /^contractor ([0-9a-f-]+)\n/

export type HeldLock = {
  readonly path: string
  /** Throws `REF_CONFLICT` when the lock is no longer ours: this process was stopped and taken for dead. */
  assertHeld(): Promise<void>
  /** The lock's own file has become the locked file, or is to be removed. */
  release(): Promise<void>
}

/** Takes the `<file>.lock` that stock git takes, and tells other processes of ours whose it is. */
export type Locks = {
  /** @throws Fault `REF_CONFLICT` when somebody else still holds it after `waitMs`. */
  lock(file: string, waitMs: number): Promise<HeldLock>
  close(): Promise<void>
}

/** A name for a file of ours in the git directory, which `sweepLockFiles` finds when we are gone. */
export function ownFile(gitdir: string, extension: 'owner' | 'ref'): string {
  return join(gitdir, `contractor-${processIdentity()}_${randomBytes(6).toString('hex')}.${extension}`)
}

/**
 * A lock is a hard link to one file per process that names its owner: it appears whole or not at all, costs one system
 * call, and stock git sees nothing but an existing lock.
 */
export function openLocks(gitdir: string): Locks {
  let owner: Promise<string> | null = null
  const ownerFile = (): Promise<string> => (owner ??= writeOwner(gitdir))

  async function take(path: string): Promise<HeldLock | 'held' | 'retry'> {
    const file = await ownerFile()
    try {
      await link(file, path)
    } catch (error) {
      if (isCode(error, 'EEXIST')) return 'held'
      if (!isCode(error, 'ENOENT') && !isCode(error, 'ENOTDIR')) throw error
      if ((await lstatOrNull(file)) === null) owner = null
      return 'retry'
    }
    return { path, assertHeld: () => assertSame(file, path), release: () => release(file, path) }
  }

  return {
    async lock(file, waitMs) {
      const path = `${file}.lock`
      const deadline = performance.now() + waitMs
      for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
        const lock = await take(path)
        if (typeof lock !== 'string') return lock
        if (lock === 'held' && (await breakStale(gitdir, await ownerFile(), path))) continue
        if (performance.now() > deadline) throw await conflict(path)
        if (lock === 'retry') await makeDirectory(join(path, '..')).catch(asConflict(path))
        else await delay(pause)
      }
    },
    async close() {
      if (owner !== null) await rm(await owner, { force: true })
      owner = null
    },
  }
}

/** Its name is durable before that of any lock: after a power cut the next process finds the locks by it. */
async function writeOwner(gitdir: string): Promise<string> {
  const file = ownFile(gitdir, 'owner')
  await writeFileSynced(file, `contractor ${processIdentity()}\n`)
  await syncDirectory(gitdir)
  return file
}

async function assertSame(file: string, path: string): Promise<void> {
  const [own, held] = await Promise.all([lstatOrNull(file), lstatOrNull(path)])
  if (own !== null && own.ino === held?.ino) return
  throw new Fault('REF_CONFLICT', `${path}: the lock is no longer ours; look again and decide again`)
}

async function release(file: string, path: string): Promise<void> {
  const [own, held] = await Promise.all([lstatOrNull(file), lstatOrNull(path)])
  if (own?.ino === held?.ino) await rm(path, { force: true })
}

/**
 * Removes a lock of ours whose process is gone. A lock of git, or of a live process, is never touched: only one process
 * at a time removes, and what it finds stale then nobody else can have replaced.
 */
async function breakStale(gitdir: string, own: string, path: string): Promise<boolean> {
  const state = await stateOf(path)
  if (state !== 'stale') return state === 'free'
  const turn = join(gitdir, BREAKING)
  if (!(await linked(own, turn))) {
    if ((await stateOf(turn)) !== 'stale') return false
    await rm(turn, { force: true })
    if (!(await linked(own, turn))) return false
  }
  try {
    if ((await stateOf(path)) === 'stale') await rm(path, { force: true })
    return true
  } finally {
    await rm(turn, { force: true })
  }
}

async function stateOf(path: string): Promise<'free' | 'held' | 'stale'> {
  const [text, file] = await Promise.all([absentAsNull(readFile(path, 'latin1')), lstatOrNull(path)])
  if (text === null || file === null) return 'free'
  const identity = OWNER.exec(text)?.[1]
  return identity !== undefined && isGone(identity, Date.now() - file.ctimeMs) ? 'stale' : 'held'
}

async function linked(file: string, path: string): Promise<boolean> {
  try {
    await link(file, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST') || isCode(error, 'ENOENT')) return false
    throw error
  }
}

async function conflict(path: string): Promise<Fault> {
  const text = await absentAsNull(readFile(path, 'latin1'))
  const holder = OWNER.test(text ?? '')
    ? 'another process of contractor'
    : 'git, or a git that crashed: then remove the file'
  return new Fault('REF_CONFLICT', `${path}: held by ${holder}`)
}

function asConflict(path: string): (error: unknown) => never {
  return (error) => {
    if (!isCode(error, 'EEXIST') && !isCode(error, 'ENOTDIR')) throw error
    throw new Fault('REF_CONFLICT', `${path}: a ref stands where a directory is needed`, { cause: error })
  }
}

/** Removes what processes of ours that are gone left in the git directory: their locks, then the files that name them. */
export async function sweepLockFiles(gitdir: string): Promise<void> {
  const gone: { path: string; isLinked: boolean }[] = []
  for (const name of await readdir(gitdir)) {
    const path = join(gitdir, name)
    const identity = FILE.exec(name)?.[1]
    const file = identity === undefined ? null : await absentAsNull(stat(path))
    if (identity === undefined || file === null || !IDENTITY.test(identity)) continue
    if (isGone(identity, Date.now() - file.ctimeMs)) gone.push({ path, isLinked: file.nlink > 1 })
  }
  if (gone.some(({ isLinked }) => isLinked)) await asFarAsAllowed(() => sweepLocks(gitdir))
  for (const { path } of gone) await sweep(path)
}

/** Locks that nobody asks for again, such as that of a tag, would stop a `git gc` for ever. */
async function sweepLocks(gitdir: string): Promise<void> {
  const own = await writeOwner(gitdir)
  try {
    const below = (await absentAsNull(readdir(join(gitdir, 'refs'), { recursive: true }))) ?? []
    const names = ['packed-refs.lock', ...below.map((name) => join('refs', name))]
    for (const name of names.filter((each) => each.endsWith('.lock'))) await breakStale(gitdir, own, join(gitdir, name))
  } finally {
    await rm(own, { force: true })
  }
}
