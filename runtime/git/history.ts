import { linksOf, newestFirst, reachable, readCommit, type CommitInfo } from './commit-graph.ts'
import type { ObjectReader } from './object-reader.ts'
import { entryAt } from './tree-files.ts'

export { readCommit, type CommitInfo } from './commit-graph.ts'

/** Whether `ancestor` is `descendant` or reachable from it. */
export async function isAncestor(reader: ObjectReader, ancestor: string, descendant: string): Promise<boolean> {
  for await (const oid of reachable(reader, descendant, new Set())) if (oid === ancestor) return true
  return false
}

/**
 * The commits from `tip` along first parents, newest first, up to but without `stopAt` (to the root when `null`), at
 * most `max`.
 */
export async function firstParents(
  reader: ObjectReader,
  tip: string,
  stopAt: string | null,
  max: number,
): Promise<string[]> {
  const found: string[] = []
  for (let oid: string | undefined = tip; oid !== undefined && oid !== stopAt && found.length < max;) {
    found.push(oid)
    oid = (await linksOf(reader, oid)).parents[0]
  }
  return found
}

/**
 * Every commit reachable from `tip` and not from `excludeReachableFrom` that changed the entry at `path`, through all
 * parents, newest first. A merge counts only where its entry differs from that of every parent.
 */
export async function commitsTouching(
  reader: ObjectReader,
  path: string,
  tip: string,
  excludeReachableFrom: string | null,
): Promise<CommitInfo[]> {
  const excluded = new Set<string>()
  if (excludeReachableFrom !== null) for await (const oid of reachable(reader, excludeReachableFrom, excluded)) void oid
  const range = new Set<string>()
  for await (const oid of reachable(reader, tip, excluded)) range.add(oid)
  const entries = new Map<string, Promise<string | null>>()
  const entryOf = (oid: string): Promise<string | null> => {
    const known = entries.get(oid) ?? identityAt(reader, oid, path)
    entries.set(oid, known)
    return known
  }
  const found: CommitInfo[] = []
  for (const oid of await newestFirst(reader, range)) {
    const own = await entryOf(oid)
    const before = await Promise.all((await linksOf(reader, oid)).parents.map(entryOf))
    const changed = before.length === 0 ? own !== null : before.every((each) => each !== own)
    if (changed) found.push(await readCommit(reader, oid))
  }
  return found
}

/** Mode and oid of the entry, which together say whether it changed. */
async function identityAt(reader: ObjectReader, oid: string, path: string): Promise<string | null> {
  const entry = await entryAt(reader, (await readCommit(reader, oid)).tree, path)
  return entry === null ? null : `${entry.mode} ${entry.oid}`
}
