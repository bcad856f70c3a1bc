import { firstParents, isAncestor } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { OID } from '../../schemas/names.ts'
import { readSigners } from './main-signatures.ts'
import type { Acceptance, MainLine } from './plan-main.ts'
import type { WantedGovernance } from './wanted.ts'

/** Commits of `main` that one entry names at most as passed over. */
const MAX_COVERS = 10_000

/** Looks how the tip of `main` stands to the commit that was last judged; asked for the same two again, it knows. */
export function openMainObserver(reader: ObjectReader) {
  let last: { key: string; line: MainLine } | null = null
  return async (
    tip: string,
    judged: string,
    governance: WantedGovernance | null,
    signatures: 'required' | undefined,
  ): Promise<MainLine> => {
    const key = `${tip} ${judged} ${signatures ?? ''}`
    if (last?.key !== key) last = { key, line: await observeMain(reader, tip, judged, governance, signatures) }
    return last.line
  }
}

/**
 * How the tip of `main` stands to the commit that was last judged.
 * @param governance what the tip says, for owners' acceptances: `governance/approvals/<oid>.<principal>.sig`.
 * @param signatures whether to read who signed what is new
 */
export async function observeMain(
  reader: ObjectReader,
  tip: string,
  judged: string,
  governance: WantedGovernance | null,
  signatures?: 'required',
): Promise<MainLine> {
  const descends = async (line: readonly string[], isWhole: boolean): Promise<MainLine> => {
    const found = { kind: 'descends', tip, covers: line.slice(1).toReversed() } as const
    if (signatures === undefined) return found
    const acceptances = await acceptancesOf(reader, tip, governance)
    return { ...found, signed: { isWhole, signers: await readSigners(reader, line), acceptances } }
  }
  if (tip === judged) return descends([], true)
  const line = await firstParents(reader, tip, judged, MAX_COVERS)
  if (await endsAt(reader, line, judged)) return descends(line, true)
  if (await isAncestor(reader, judged, tip)) {
    const fresh = await withoutAncestors(reader, line, judged)
    return descends(fresh, fresh.length < line.length || line.length < MAX_COVERS)
  }
  return { kind: 'rewritten', tip, acceptances: await acceptancesOf(reader, tip, governance) }
}

/** Owners' signature files for commits that the tip descends from. */
async function acceptancesOf(
  reader: ObjectReader,
  tip: string,
  governance: WantedGovernance | null,
): Promise<Acceptance[]> {
  const acceptances: Acceptance[] = []
  for (const [commit, approvals] of governance?.approvals ?? [])
    if (OID.test(commit) && (await isAncestor(reader, commit, tip))) acceptances.push({ commit, approvals })
  return acceptances
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
