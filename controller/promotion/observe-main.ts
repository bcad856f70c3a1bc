import { firstParents, isAncestor } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { OID } from '../../schemas/names.ts'
import type { Acceptance, MainLine } from './plan-main.ts'
import type { WantedGovernance } from './wanted.ts'

/** Commits of `main` that one entry names at most as passed over. */
const MAX_COVERS = 10_000

/** Looks how the tip of `main` stands to the commit that was last judged; asked for the same two again, it knows. */
export function openMainObserver(reader: ObjectReader) {
  let last: { tip: string; judged: string; line: MainLine } | null = null
  return async (tip: string, judged: string, governance: WantedGovernance | null): Promise<MainLine> => {
    if (last?.tip !== tip || last.judged !== judged)
      last = { tip, judged, line: await observeMain(reader, tip, judged, governance) }
    return last.line
  }
}

/**
 * How the tip of `main` stands to the commit that was last judged.
 * @param governance what the tip says, for owners' acceptances of a rewritten `main`: `governance/approvals/<oid>.<principal>.sig`.
 */
export async function observeMain(
  reader: ObjectReader,
  tip: string,
  judged: string,
  governance: WantedGovernance | null,
): Promise<MainLine> {
  if (tip === judged) return { kind: 'descends', tip, covers: [] }
  const line = await firstParents(reader, tip, judged, MAX_COVERS)
  if (await endsAt(reader, line, judged)) return { kind: 'descends', tip, covers: line.slice(1).reverse() }
  if (await isAncestor(reader, judged, tip)) {
    const fresh = await withoutAncestors(reader, line, judged)
    return { kind: 'descends', tip, covers: fresh.slice(1).reverse() }
  }
  const acceptances: Acceptance[] = []
  for (const [commit, approvals] of governance?.approvals ?? [])
    if (OID.test(commit) && (await isAncestor(reader, commit, tip))) acceptances.push({ commit, approvals })
  return { kind: 'rewritten', tip, acceptances }
}

/** Whether the last of these commits has `judged` as its first parent. */
async function endsAt(reader: ObjectReader, line: readonly string[], judged: string): Promise<boolean> {
  const last = line.at(-1)
  if (last === undefined) return false
  const [, parent] = await firstParents(reader, last, null, 2)
  return parent === judged
}

/** `judged` was merged from the side: of the first parents, those that it does not contain itself. */
async function withoutAncestors(reader: ObjectReader, line: readonly string[], judged: string): Promise<string[]> {
  const fresh: string[] = []
  for (const oid of line) {
    if (await isAncestor(reader, oid, judged)) break
    fresh.push(oid)
  }
  return fresh
}
