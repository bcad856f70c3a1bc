import { Fault } from '../../schemas/fault.ts'
import { objectId, type ObjectReader, type ObjectType, type ObjectWriter } from './object-reader.ts'
import { DIRECTORY, FILE, formatTree, parseTree, type TreeEntry } from './tree.ts'

/** `entries` counts every visit of a file or directory, so that a tree that holds itself many times is not walked. */
export type TreeLimits = { depth: number; entries: number }

export const TREE_LIMITS: TreeLimits = { depth: 24, entries: 250_000 }
/** A tree of this size holds more entries than any budget. */
const MAX_TREE_BYTES = 16 * 1024 * 1024

/**
 * Every file below a tree, path → entry, whatever its mode: links and submodules are for the caller to judge.
 * @throws Fault `PATH_INVALID` below `limits.depth`, `FILE_TOO_LARGE` past `limits.entries`.
 */
export async function listFiles(
  reader: ObjectReader,
  treeOid: string,
  limits: TreeLimits = TREE_LIMITS,
): Promise<Map<string, { oid: string; mode: string }>> {
  const files = new Map<string, { oid: string; mode: string }>()
  let visits = 0
  const walk = async (oid: string, prefix: string, depth: number): Promise<void> => {
    if (depth > limits.depth) throw new Fault('PATH_INVALID', `${prefix}: expected at most ${limits.depth} directories`)
    const entries = await readTree(reader, oid)
    visits += entries.length
    if (visits > limits.entries)
      throw new Fault('FILE_TOO_LARGE', `${prefix || 'tree'}: expected at most ${limits.entries} entries`)
    for (const entry of entries) {
      const path = prefix + entry.name
      if (entry.mode === DIRECTORY) await walk(entry.oid, `${path}/`, depth + 1)
      else files.set(path, { oid: entry.oid, mode: entry.mode })
    }
  }
  await walk(treeOid, '', 1)
  return files
}

export async function readTree(reader: ObjectReader, oid: string): Promise<TreeEntry[]> {
  return parseTree(await reader.read(oid, 'tree', MAX_TREE_BYTES))
}

/** The entry at a path (`tenants/acme`), or `null`. */
export async function entryAt(reader: ObjectReader, treeOid: string, path: string): Promise<TreeEntry | null> {
  let entry: TreeEntry = { mode: DIRECTORY, name: '', oid: treeOid }
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (entry.mode !== DIRECTORY) return null
    const next = (await readTree(reader, entry.oid)).find((each) => each.name === name)
    if (next === undefined) return null
    entry = next
  }
  return entry
}

/** The entries of the directory at a path; `null` where there is no directory. */
export async function subtree(reader: ObjectReader, treeOid: string, path: string): Promise<TreeEntry[] | null> {
  const entry = await entryAt(reader, treeOid, path)
  return entry?.mode === DIRECTORY ? readTree(reader, entry.oid) : null
}

/** Writes files (path → bytes) as one tree. Files are plain (mode 100644). */
export async function writeTree(writer: ObjectWriter, files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  return writeChanges(writer, null, files, () => Promise.resolve([]))
}

/**
 * Writes a tree that is `baseTree` with some files set or, with `null`, removed; only the directories touched are read
 * and written. A directory left empty goes away.
 */
export async function patchTree(
  repository: ObjectReader & ObjectWriter,
  baseTree: string | null,
  changes: ReadonlyMap<string, Uint8Array | null>,
): Promise<string> {
  return writeChanges(repository, baseTree, changes, (oid) => readTree(repository, oid))
}

type Change = Uint8Array | null | Nested
type Nested = Map<string, Change>

/** Names are computed at once and all objects are written together, so that their syncs overlap. */
async function writeChanges(
  writer: ObjectWriter,
  baseTree: string | null,
  changes: ReadonlyMap<string, Uint8Array | null>,
  load: (oid: string) => Promise<TreeEntry[]>,
): Promise<string> {
  const writes: Promise<string>[] = []
  const put = (type: ObjectType, body: Uint8Array): string => {
    const write = writer.write(type, body)
    write.catch(() => undefined)
    writes.push(write)
    return objectId(type, body)
  }
  const level = async (before: string | null, nested: Nested): Promise<string | null> => {
    const entries = new Map((before === null ? [] : await load(before)).map((entry) => [entry.name, entry]))
    await Promise.all(
      [...nested].map(async ([name, change]) => {
        const old = entries.get(name)
        if (change instanceof Map) {
          const oid = await level(old?.mode === DIRECTORY ? old.oid : null, change)
          if (oid !== null) entries.set(name, { mode: DIRECTORY, name, oid })
          else if (old?.mode === DIRECTORY) entries.delete(name)
        } else if (change === null) entries.delete(name)
        else entries.set(name, { mode: FILE, name, oid: put('blob', change) })
      }),
    )
    return entries.size === 0 ? null : put('tree', formatTree([...entries.values()]))
  }
  const root = (await level(baseTree, nest(changes))) ?? put('tree', Buffer.alloc(0))
  await Promise.all(writes)
  return root
}

function nest(changes: ReadonlyMap<string, Uint8Array | null>): Nested {
  const root: Nested = new Map()
  for (const [path, change] of changes) {
    const parts = path.split('/')
    const name = parts.pop() ?? ''
    let level = root
    for (const part of parts) {
      const below = level.get(part) ?? new Map<string, Change>()
      if (!(below instanceof Map)) throw new Fault('PATH_INVALID', `${path}: "${part}" is a file and a directory`)
      level.set(part, below)
      level = below
    }
    if (level.has(name)) throw new Fault('PATH_INVALID', `${path}: is a file and a directory`)
    level.set(name, change)
  }
  return root
}
