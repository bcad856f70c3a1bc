import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { absentAsNull, lstatOrNull } from './durable-fs.ts'
import { sweepLockFiles } from './lock-file.ts'
import { readRefFile } from './loose-refs.ts'
import { openObjectStore, type ObjectStore } from './object-store.ts'
import { openObjectWriter, sweepTemporaryObjects } from './object-writer.ts'
import { openRefs, type Refs, type RefsOptions } from './refs.ts'
import type { Repository } from './repository.ts'
import { assertSafe, assertSafeThroughout } from './repository-safety.ts'

export type LocalRepository = Repository & { store: ObjectStore; refs: Refs }

/**
 * Opens a repository on this machine: a bare directory, or a work tree by its `.git`. What processes of ours that are
 * gone left in it (temporary files, never locks of others) is removed.
 * @throws Fault `NOT_FOUND`, `REPOSITORY_UNSAFE`.
 */
export async function openLocalRepository(location: string, options: RefsOptions = {}): Promise<LocalRepository> {
  const gitdir = await findGitDirectory(location)
  await assertSafeThroughout(gitdir)
  await sweepLockFiles(gitdir)
  const objects = join(gitdir, 'objects')
  await sweepTemporaryObjects(objects)
  const store = openObjectStore(objects)
  const refs = openRefs(gitdir, options)
  return {
    kind: 'local',
    location,
    gitdir,
    store,
    refs,
    read: store.read,
    write: openObjectWriter(objects, store).write,
    readRef: refs.readRef,
    listRefs: refs.listRefs,
    updateRefs: refs.updateRefs,
    head: () => readHead(gitdir),
    async refresh() {
      await assertSafe(gitdir)
      await store.rescan()
    },
    async close() {
      await Promise.all([store.close(), refs.close()])
    },
  }
}

async function findGitDirectory(location: string): Promise<string> {
  const path = await absentAsNull(realpath(resolve(location)))
  if (path === null) throw new Fault('NOT_FOUND', `${location}: expected a Git repository, found nothing`)
  const dotGit = join(path, '.git')
  const stat = await lstatOrNull(dotGit)
  if (stat?.isDirectory()) return dotGit
  if (stat !== null) {
    throw new Fault(
      'REPOSITORY_UNSAFE',
      `${dotGit}: expected a directory; linked work trees and submodules are not read: name the main clone`,
    )
  }
  if ((await lstatOrNull(join(path, 'objects'))) !== null) return path
  throw new Fault('NOT_FOUND', `${location}: expected a Git repository, found neither .git nor objects in it`)
}

async function readHead(gitdir: string): Promise<string | null> {
  const text = await readRefFile(gitdir, 'HEAD')
  const branch = /^ref: (refs\/heads\/\S+)\n$/.exec(text ?? '')?.[1]
  if (branch !== undefined) return branch
  if (/^[0-9a-f]{40}\n$/.test(text ?? '')) return null
  throw new Fault(
    'REF_CORRUPT',
    `${join(gitdir, 'HEAD')}: expected "ref: refs/heads/…" or an object id, found ${JSON.stringify(text)}`,
  )
}
