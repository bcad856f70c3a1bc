import { Fault } from '../../schemas/fault.ts'
import { parseCommit, type Commit } from './commit-object.ts'
import type { ObjectReader } from './object-reader.ts'

export type CommitInfo = Commit & { oid: string }
type Links = { parents: readonly string[]; timestamp: number }

/** A commit larger than this is nobody's. */
const MAX_COMMIT_BYTES = 1024 * 1024
/** Some 200 bytes each. */
const MAX_REMEMBERED = 100_000
const remembered = new WeakMap<ObjectReader, Map<string, Links>>()

/** @throws Fault `OBJECT_CORRUPT` naming the commit. */
export async function readCommit(reader: ObjectReader, oid: string): Promise<CommitInfo> {
  const raw = await reader.read(oid, 'commit', MAX_COMMIT_BYTES)
  try {
    return { oid, ...parseCommit(raw) }
  } catch (error) {
    if (error instanceof Fault) throw new Fault(error.reason, `${oid}: ${error.message}`, { cause: error })
    throw error
  }
}

/** What a commit hangs on. Commits never change: one that was read before is not read again. */
export async function linksOf(reader: ObjectReader, oid: string): Promise<Links> {
  const links = remembered.get(reader) ?? new Map<string, Links>()
  remembered.set(reader, links)
  const known = links.get(oid)
  if (known !== undefined) return known
  const { parents, committer } = await readCommit(reader, oid)
  const found = { parents, timestamp: committer.timestamp }
  if (links.size >= MAX_REMEMBERED) links.clear()
  links.set(oid, found)
  return found
}

/** Each commit reachable from a tip once, and none that stands in `seen`, which grows by them. */
export async function* reachable(reader: ObjectReader, tip: string, seen: Set<string>): AsyncGenerator<string> {
  let level: readonly string[] = [tip]
  while (level.length > 0) {
    const next: string[] = []
    for (const oid of level) {
      if (seen.has(oid)) continue
      seen.add(oid)
      yield oid
      next.push(...(await linksOf(reader, oid)).parents)
    }
    level = next
  }
}

/** Commits sorted so that none stands before one of its descendants; where both orders are right, the newer first. */
export async function newestFirst(reader: ObjectReader, oids: ReadonlySet<string>): Promise<string[]> {
  const children = new Map([...oids].map((oid) => [oid, 0]))
  for (const oid of oids) {
    for (const parent of (await linksOf(reader, oid)).parents) {
      const count = children.get(parent)
      if (count !== undefined) children.set(parent, count + 1)
    }
  }
  const ready = [...oids].filter((oid) => children.get(oid) === 0)
  const sorted: string[] = []
  while (ready.length > 0) {
    const next = await takeNewest(reader, ready)
    sorted.push(next)
    for (const parent of new Set((await linksOf(reader, next)).parents)) {
      const count = children.get(parent)
      if (count === undefined) continue
      children.set(parent, count - 1)
      if (count === 1) ready.push(parent)
    }
  }
  return sorted
}

async function takeNewest(reader: ObjectReader, ready: string[]): Promise<string> {
  let newest = 0
  for (let i = 1; i < ready.length; i++) {
    const [best, each] = await Promise.all([linksOf(reader, ready[newest] ?? ''), linksOf(reader, ready[i] ?? '')])
    if (each.timestamp > best.timestamp) newest = i
  }
  return ready.splice(newest, 1)[0] ?? ''
}
