import { parseCommit, type Commit } from './commit-object.ts'
import { Fault } from '../../schemas/fault.ts'
import type { ObjectReader } from './object-reader.ts'
import { entryAt } from './tree-files.ts'

export type CommitInfo = Commit & { oid: string }

/** A commit message larger than this is nobody's. */
const MAX_COMMIT_BYTES = 1024 * 1024

export async function readCommit(reader: ObjectReader, oid: string): Promise<CommitInfo> {
  const raw = await reader.read(oid, 'commit', MAX_COMMIT_BYTES)
  try {
    return { oid, ...parseCommit(raw) }
  } catch (error) {
    if (error instanceof Fault) throw new Fault(error.reason, `${oid}: ${error.message}`, { cause: error })
    throw error
  }
}

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
    oid = (await readCommit(reader, oid)).parents[0]
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
  const seen = new Set<string>()
  if (excludeReachableFrom !== null) for await (const oid of reachable(reader, excludeReachableFrom, seen)) void oid
  const entries = new Map<string, Promise<string | null>>()
  const entryOf = (oid: string): Promise<string | null> => {
    const known = entries.get(oid) ?? identityAt(reader, oid, path)
    entries.set(oid, known)
    return known
  }
  const found: CommitInfo[] = []
  for await (const oid of reachable(reader, tip, seen)) {
    const commit = await readCommit(reader, oid)
    const own = await entryOf(oid)
    const before = await Promise.all(commit.parents.map(entryOf))
    if (before.length === 0 ? own !== null : before.every((each) => each !== own)) found.push(commit)
  }
  return found
}

async function identityAt(reader: ObjectReader, oid: string, path: string): Promise<string | null> {
  const entry = await entryAt(reader, (await readCommit(reader, oid)).tree, path)
  return entry === null ? null : `${entry.mode} ${entry.oid}`
}

/** Breadth first, each commit once, none that stands in `seen`. */
async function* reachable(reader: ObjectReader, from: string, seen: Set<string>): AsyncGenerator<string> {
  let level = [from]
  while (level.length > 0) {
    const next: string[] = []
    for (const oid of level) {
      if (seen.has(oid)) continue
      seen.add(oid)
      yield oid
      next.push(...(await readCommit(reader, oid)).parents)
    }
    level = next
  }
}
