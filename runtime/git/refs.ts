import { readdir, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { OID } from '../../schemas/names.ts'
import {
  absentAsNull,
  isCode,
  lstatOrNull,
  renameDurably,
  removeDurably,
  syncDirectory,
  writeFileSynced,
} from './durable-fs.ts'
import { openLocks, ownFile, type HeldLock } from './lock-file.ts'
import { readLooseRef } from './loose-refs.ts'
import { packedRefsReader, withoutRef, type PackedRefs } from './packed-refs.ts'
import { assertReadableRef, assertWritableRef, isReadableRef, matchesRef } from './ref-name.ts'
import type { RefUpdate } from './repository.ts'

export type Refs = {
  readRef: (ref: string) => Promise<string | null>
  listRefs: (prefix: string) => Promise<Map<string, string>>
  updateRefs: (updates: readonly RefUpdate[]) => Promise<void>
  /** Sets a ref whatever stands there, also a torn one: for a mirror that is repaired from its server. */
  overwriteRef: (ref: string, value: string | null) => Promise<void>
  /** Names of loose refs, also of torn ones. */
  looseRefs: (prefix: string) => Promise<string[]>
  close: () => Promise<void>
}

export type RefsOptions = {
  /** How long to wait for somebody else's lock of a ref, and of `packed-refs`. */
  waitMs?: number
  packedWaitMs?: number
  /** Which names may be written; a mirror takes over every name that may be read. */
  assertName?: (ref: string) => void
}

/** The refs of a repository on disk, by the rules and locks of stock git. */
export function openRefs(gitdir: string, options: RefsOptions = {}): Refs {
  const { waitMs = 500, packedWaitMs = 2000, assertName = assertWritableRef } = options
  const locks = openLocks(gitdir)
  const readPacked = packedRefsReader(gitdir)

  async function readRef(ref: string): Promise<string | null> {
    assertReadableRef(ref)
    // Loose first: git packs a ref before it removes the file, so one of the two always has it.
    return (await readLooseRef(gitdir, ref)) ?? (await readPacked()).refs.get(ref) ?? null
  }

  async function listRefs(prefix: string): Promise<Map<string, string>> {
    if (!prefix.startsWith('refs/'))
      throw new Fault('REF_NAME_INVALID', `${prefix}: expected a prefix such as refs/tags/`)
    const found = new Map<string, string>()
    for (const ref of await looseNames(gitdir, prefix)) {
      const oid = await readLooseRef(gitdir, ref)
      if (oid !== null) found.set(ref, oid)
    }
    for (const [ref, oid] of (await readPacked()).refs) {
      if (matchesRef(ref, prefix) && isReadableRef(ref) && !found.has(ref)) found.set(ref, oid)
    }
    return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  async function updateRefs(updates: readonly RefUpdate[]): Promise<void> {
    assertUpdates(updates, assertName)
    const held = new Map<string, HeldLock>()
    try {
      for (const { ref } of updates.toSorted((a, b) => (a.ref < b.ref ? -1 : 1))) {
        held.set(ref, await locks.lock(join(gitdir, ref), waitMs))
      }
      await Promise.all(updates.map(compare))
      for (const update of updates) await move(update, held.get(update.ref))
    } finally {
      await Promise.all([...held.values()].map((lock) => lock.release()))
    }
  }

  async function compare({ ref, old, new: value }: RefUpdate): Promise<void> {
    const actual = await readRef(ref)
    if (actual !== old)
      throw new Fault('REF_CONFLICT', `${ref}: expected ${old ?? 'no such ref'}, found ${actual ?? 'none'}`)
    if (old !== null || value === null) return
    const names = [...(await readPacked()).refs.keys()]
    const clash = names.find((name) => name.startsWith(`${ref}/`) || ref.startsWith(`${name}/`))
    if (clash !== undefined) throw new Fault('REF_CONFLICT', `${ref}: cannot stand beside ${clash}`)
  }

  async function overwriteRef(ref: string, value: string | null): Promise<void> {
    assertName(ref)
    const lock = await locks.lock(join(gitdir, ref), waitMs)
    try {
      await set(ref, value, lock)
    } finally {
      await lock.release()
    }
  }

  async function move({ ref, old, new: value }: RefUpdate, lock: HeldLock | undefined): Promise<void> {
    if (lock !== undefined && value !== old) await set(ref, value, lock)
  }

  async function set(ref: string, value: string | null, lock: HeldLock): Promise<void> {
    if (value === null) return remove(ref, lock)
    const path = join(gitdir, ref)
    const file = ownFile(gitdir, 'ref')
    await writeFileSynced(file, `${value}\n`)
    try {
      await lock.assertHeld()
      await rename(file, path).catch(async (error: unknown) => {
        if (!isCode(error, 'EISDIR') && !isCode(error, 'ENOTEMPTY')) throw error
        await removeEmpty(path, ref)
        await rename(file, path)
      })
    } catch (error) {
      await rm(file, { force: true })
      throw error
    }
    await syncDirectory(dirname(path))
  }

  async function remove(ref: string, lock: HeldLock): Promise<void> {
    const path = join(gitdir, 'packed-refs')
    const packedLock = await locks.lock(path, packedWaitMs)
    try {
      const packed: PackedRefs = await readPacked()
      if (packed.refs.has(ref)) {
        const file = ownFile(gitdir, 'ref')
        await writeFileSynced(file, withoutRef(packed, ref))
        await packedLock.assertHeld()
        await renameDurably(file, path)
      }
      await lock.assertHeld()
      if ((await lstatOrNull(join(gitdir, ref))) !== null) await removeDurably(join(gitdir, ref))
    } finally {
      await packedLock.release()
    }
  }

  return {
    readRef,
    listRefs,
    updateRefs,
    overwriteRef,
    looseRefs: (prefix) => looseNames(gitdir, prefix),
    close: () => locks.close(),
  }
}

function assertUpdates(updates: readonly RefUpdate[], assertName: (ref: string) => void): void {
  const names = new Set(updates.map(({ ref }) => ref))
  if (names.size !== updates.length) throw new Fault('REF_CONFLICT', 'expected each ref once in one update')
  for (const { ref, old, new: value } of updates) {
    assertName(ref)
    for (const oid of [old, value]) {
      if (oid !== null && (!OID.test(oid) || /^0+$/.test(oid)))
        throw new Fault('REF_CORRUPT', `${ref}: ${JSON.stringify(oid)} is not an object id`)
    }
  }
}

/** Directories that git left empty give way to a ref of their name. */
async function removeEmpty(path: string, ref: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) throw new Fault('REF_CONFLICT', `${ref}: a ref stands below it: ${entry.name}`)
    await removeEmpty(join(path, entry.name), ref)
  }
  await rmdir(path)
}

async function looseNames(gitdir: string, prefix: string): Promise<string[]> {
  if (!prefix.endsWith('/')) return isReadableRef(prefix) ? [prefix] : []
  const entries = await absentAsNull(readdir(join(gitdir, prefix), { withFileTypes: true }))
  const names: string[] = []
  for (const entry of entries ?? []) {
    const name = prefix + entry.name
    if (entry.name.startsWith('.') || entry.name.endsWith('.lock')) continue
    if (entry.isSymbolicLink()) throw new Fault('REPOSITORY_UNSAFE', `${join(gitdir, name)} is a link; remove it`)
    if (entry.isDirectory()) names.push(...(await looseNames(gitdir, `${name}/`)))
    else if (isReadableRef(name)) names.push(name)
  }
  return names
}
