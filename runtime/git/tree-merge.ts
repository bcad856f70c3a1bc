import { Fault } from '../../schemas/fault.ts'
import type { ObjectReader, ObjectWriter } from './object-reader.ts'
import { readTree, TREE_LIMITS } from './tree-files.ts'
import { DIRECTORY, formatTree, type TreeEntry } from './tree.ts'

/**
 * Merges file by file: what `theirs` changed since `base` is as `theirs` has it, with its mode; everything else is as
 * `ours` has it. Directories that only one side changed are not read. Returns the oid of the tree.
 * @throws Fault `PATH_INVALID`, `FILE_TOO_LARGE` past the limits
 */
export async function mergeTrees(
  objects: ObjectReader & ObjectWriter,
  { base, ours, theirs }: { base: string; ours: string; theirs: string },
): Promise<string> {
  let visits = 0
  const read = async (oid: string | null): Promise<Map<string, TreeEntry>> => {
    const entries = oid === null ? [] : await readTree(objects, oid)
    visits += entries.length
    if (visits > TREE_LIMITS.entries)
      throw new Fault('FILE_TOO_LARGE', `tree: expected at most ${TREE_LIMITS.entries} entries to merge`)
    return new Map(entries.map((entry) => [entry.name, entry]))
  }

  async function mergeEntry(was: Entry, own: Entry, other: Entry, depth: number): Promise<Entry> {
    if (isSame(other, was)) return own
    if (isSame(own, was) || other?.mode !== DIRECTORY || own?.mode !== DIRECTORY) return other
    const tree = await mergeLevel(was?.mode === DIRECTORY ? was.oid : null, own.oid, other.oid, depth + 1)
    return tree === null ? undefined : { ...own, oid: tree }
  }

  async function mergeLevel(was: string | null, own: string, other: string, depth: number): Promise<string | null> {
    if (depth > TREE_LIMITS.depth)
      throw new Fault('PATH_INVALID', `tree: expected at most ${TREE_LIMITS.depth} directories`)
    const [before, mine, yours] = [await read(was), await read(own), await read(other)]
    const merged: TreeEntry[] = []
    for (const name of new Set([...mine.keys(), ...yours.keys()])) {
      const entry = await mergeEntry(before.get(name), mine.get(name), yours.get(name), depth)
      if (entry !== undefined) merged.push(entry)
    }
    return merged.length === 0 && depth > 1 ? null : objects.write('tree', formatTree(merged))
  }

  if (theirs === base) return ours
  return (await mergeLevel(base, ours, theirs, 1)) ?? ours
}

type Entry = TreeEntry | undefined

const isSame = (a: Entry, b: Entry): boolean => a?.oid === b?.oid && a?.mode === b?.mode
