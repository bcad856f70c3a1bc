import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import {
  absentAsNull,
  lstatOrNull,
  makeDirectory,
  removeLeftovers,
  sweep,
  syncDirectory,
  writeDurably,
} from './durable-fs.ts'
import type { Fetched } from './fetch-job.ts'
import { initBareRepository } from './init-repository.ts'
import { openLocalRepository, type LocalRepository } from './local-repository.ts'
import { adoptLooseObject } from './object-writer.ts'
import { IDENTITY, isGone, processIdentity } from './process-identity.ts'
import { assertReadableRef } from './ref-name.ts'

const MARKER = 'contractor-mirror'
const ORPHAN_MS = 60_000

/** A bare repository that holds what was verified of a remote one. */
export type Mirror = LocalRepository & {
  /** Whether it was ever brought up to date. */
  readonly filled: boolean
  markFilled: () => Promise<void>
  /** A directory on the same file system for one fetch. */
  makeScratch: () => Promise<string>
  /** Takes over what stands in `scratch`; durable when it returns. */
  adopt: (scratch: string, fetched: Fetched) => Promise<void>
  /** Makes its refs those of the server where they cannot be read any more; at no time is one of them absent. */
  rewriteRefs: (server: ReadonlyMap<string, string>) => Promise<void>
  /** Puts damaged files of it aside, so that they are never read again. */
  quarantine: (paths: readonly string[]) => Promise<void>
}

/** @throws Fault `CONFIG_INVALID` when the directory is the mirror of another URL. */
export async function openMirror(directory: string, url: string): Promise<Mirror> {
  if ((await lstatOrNull(join(directory, 'HEAD'))) === null) await initBareRepository(directory)
  const marker = join(directory, MARKER)
  const mirrored = await absentAsNull(readFile(marker, 'utf8'))
  if (mirrored === null) await removeLeftovers(directory)
  if (mirrored !== null && mirrored !== `${url}\n`) {
    throw new Fault('CONFIG_INVALID', `${directory} is the mirror of another URL; name another directory, or remove it`)
  }
  const repository = await openLocalRepository(directory, { assertName: assertReadableRef })
  const { gitdir, refs } = repository
  await sweepScratch(join(gitdir, 'scratch'))
  await sweepOrphanPacks(join(gitdir, 'objects/pack'))
  let filled = mirrored !== null
  return {
    ...repository,
    get filled() {
      return filled
    },
    async markFilled() {
      if (!filled) await writeDurably(marker, `${url}\n`)
      filled = true
    },
    async makeScratch() {
      const path = join(gitdir, 'scratch', `${processIdentity()}_${randomBytes(6).toString('hex')}`)
      await mkdir(path, { recursive: true })
      return path
    },
    async adopt(scratch, fetched) {
      const objects = join(gitdir, 'objects')
      if (fetched.kind === 'loose') {
        // An object is there only when what it names is there: who finds a commit need not look for its tree.
        for (const wave of fetched.waves)
          await Promise.all(wave.map((oid) => adoptLooseObject(objects, oid, join(scratch, oid))))
      } else {
        for (const extension of ['pack', 'idx']) {
          const name = `${fetched.stem}.${extension}`
          await rename(join(scratch, name), join(objects, 'pack', name))
        }
        await syncDirectory(join(objects, 'pack'))
      }
      await repository.store.rescan()
    },
    async rewriteRefs(server) {
      for (const [ref, oid] of server) await refs.overwriteRef(ref, oid)
      await putAside([join(gitdir, 'packed-refs')])
      for (const ref of await refs.looseRefs('refs/')) if (!server.has(ref)) await refs.overwriteRef(ref, null)
    },
    async quarantine(paths) {
      if (paths.length > 0) await putAside(paths)
      await repository.store.rescan()
    },
  }

  async function putAside(paths: readonly string[]): Promise<void> {
    const aside = join(gitdir, 'quarantine')
    await makeDirectory(aside)
    for (const path of paths.flatMap((each) =>
      each.endsWith('.pack') ? [each.replace(/pack$/, 'idx'), each] : [each],
    )) {
      await absentAsNull(rename(path, join(aside, `${Date.now()}-${basename(path)}`)))
    }
  }
}

async function sweepScratch(directory: string): Promise<void> {
  for (const name of (await absentAsNull(readdir(directory))) ?? []) {
    const identity = name.split('_')[0] ?? ''
    const found = await absentAsNull(stat(join(directory, name)))
    if (found !== null && IDENTITY.test(identity) && isGone(identity, Date.now() - found.mtimeMs)) {
      await sweep(join(directory, name))
    }
  }
}

/** A pack whose index never came was not adopted; a young one may be on its way. */
async function sweepOrphanPacks(directory: string): Promise<void> {
  const names = await readdir(directory)
  for (const name of names.filter((each) => each.endsWith('.pack') && !names.includes(each.replace(/pack$/, 'idx')))) {
    const found = await absentAsNull(stat(join(directory, name)))
    if (found !== null && Date.now() - found.ctimeMs > ORPHAN_MS) await sweep(join(directory, name))
  }
}
