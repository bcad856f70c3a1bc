import { Fault } from '../../schemas/fault.ts'
import { linksOf } from './commit-graph.ts'
import type { ObjectReader } from './object-reader.ts'

const MAX_VISITS = 200_000
const OURS = 1
const THEIRS = 2

/**
 * The newest commit that both descend from, by the time of commits as git looks for it; `null` where there is none.
 * @throws Fault `FILE_TOO_LARGE` where it is not found among 200,000 commits
 */
export async function mergeBase(reader: ObjectReader, ours: string, theirs: string): Promise<string | null> {
  const sides = new Map<string, number>()
  const waiting: { oid: string; timestamp: number }[] = []
  const reach = async (oid: string, side: number): Promise<void> => {
    const known = sides.get(oid) ?? 0
    if ((known | side) === known) return
    sides.set(oid, known | side)
    const { timestamp } = await linksOf(reader, oid)
    const at = waiting.findLastIndex((other) => other.timestamp <= timestamp)
    waiting.splice(at + 1, 0, { oid, timestamp })
  }
  await reach(ours, OURS)
  await reach(theirs, THEIRS)
  for (let visits = 0; visits < MAX_VISITS; visits++) {
    const oid = waiting.pop()?.oid
    if (oid === undefined) return null
    const side = sides.get(oid) ?? 0
    if (side === (OURS | THEIRS)) return oid
    for (const parent of (await linksOf(reader, oid)).parents) await reach(parent, side)
  }
  throw new Fault('FILE_TOO_LARGE', `${theirs} and ${ours} share no commit among the newest ${MAX_VISITS}`)
}
