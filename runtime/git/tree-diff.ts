import { Fault } from '../../schemas/fault.ts'
import type { ObjectReader } from './object-reader.ts'
import { readTree, TREE_LIMITS, type TreeLimits } from './tree-files.ts'
import { DIRECTORY, type TreeEntry } from './tree.ts'

/** A file that differs: the oids before and after, `null` where it is absent, and its mode now. */
export type TreeChange = { path: string; before: string | null; after: string | null; mode: string | null }

/**
 * What differs between two trees, in the order of paths; `null` is the empty tree. Level by level: a directory that is
 * equal in both is never read, every other one once. A file whose mode alone changed is listed, too.
 * @throws Fault `PATH_INVALID`, `FILE_TOO_LARGE` past the limits.
 */
export async function diffTrees(
  reader: ObjectReader,
  a: string | null,
  b: string | null,
  limits: TreeLimits = TREE_LIMITS,
): Promise<TreeChange[]> {
  const changes: TreeChange[] = []
  let visits = 0
  const read = async (oid: string | null) => {
    const entries = oid === null ? [] : await readTree(reader, oid)
    visits += entries.length
    if (visits > limits.entries)
      throw new Fault('FILE_TOO_LARGE', `tree: expected at most ${limits.entries} entries to compare`)
    return new Map(entries.map((entry) => [entry.name, entry]))
  }
  const walk = async (left: string | null, right: string | null, prefix: string, depth: number): Promise<void> => {
    if (left === right) return
    if (depth > limits.depth) throw new Fault('PATH_INVALID', `${prefix}: expected at most ${limits.depth} directories`)
    const [before, after] = await Promise.all([read(left), read(right)])
    for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
      const [was, is] = [before.get(name), after.get(name)]
      if (was?.oid === is?.oid && was?.mode === is?.mode) continue
      const [oldFile, newFile] = [fileOf(was), fileOf(is)]
      const path = prefix + name
      if (oldFile !== null || newFile !== null) {
        changes.push({ path, before: oldFile?.oid ?? null, after: newFile?.oid ?? null, mode: newFile?.mode ?? null })
      }
      await walk(directoryOf(was), directoryOf(is), `${path}/`, depth + 1)
    }
  }
  await walk(a, b, '', 1)
  return changes
}

function fileOf(entry: TreeEntry | undefined): TreeEntry | null {
  return entry === undefined || entry.mode === DIRECTORY ? null : entry
}

function directoryOf(entry: TreeEntry | undefined): string | null {
  return entry?.mode === DIRECTORY ? entry.oid : null
}
