import { reachable } from '../../../runtime/git/commit-graph.ts'
import { firstParents, isAncestor, readCommit } from '../../../runtime/git/history.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import { REASONS } from '../../../schemas/reasons.ts'
import type { Finding } from '../../../schemas/finding.ts'
import type { LedgerHead } from '../../promotion/head.ts'
import { readSigners, whyUnsigned } from '../../promotion/main-signatures.ts'

/** Commits that are looked at; a branch of more is told of its newest. */
const MOST = 1_000

/**
 * Where the rules in force ask for signed commits on `main`: what `main` holds that was not judged yet, and what the
 * branch would bring where it is merged without a merge commit.
 * @param merge whose parents are the base and the head of the branch, or the head alone
 */
export async function signatureFindings(
  objects: ObjectReader,
  merge: string,
  { state, entry }: LedgerHead,
  at: Date,
): Promise<Finding[]> {
  if (state.registry.rules.main?.signatures !== 'required') return []
  const [base = merge, head] = (await readCommit(objects, merge)).parents
  const finding = async (line: readonly string[], severity: Finding['severity'], what: string): Promise<Finding[]> => {
    const problems = (await readSigners(objects, line)).flatMap((signer) => whyUnsigned(signer, state, at) ?? [])
    const [first] = problems
    if (first === undefined) return []
    const message = `${what}: ${first}${problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''}`
    const place = { path: 'registry.yaml', line: 1, column: 1 }
    return [{ gate: 'main', code: 'MAIN_UNSIGNED', severity, ...place, message, hint: REASONS.MAIN_UNSIGNED.hint }]
  }
  const judged = await isAncestor(objects, entry.source, base)
  const there = judged ? await firstParents(objects, base, entry.source, MOST) : []
  const coming = head === undefined ? [] : await untilReachable(objects, head, base)
  return [
    ...(await finding(there, 'error', 'main halts promotions')),
    ...(await finding(coming, 'warning', 'merged by fast-forward or rebase, this would halt promotions')),
  ]
}

/** First parents of the branch that `main` does not have. */
async function untilReachable(objects: ObjectReader, head: string, base: string): Promise<string[]> {
  const line = await firstParents(objects, head, base, MOST)
  const known = new Set<string>()
  for await (const oid of reachable(objects, base, known)) void oid
  const shared = line.findIndex((oid) => known.has(oid))
  return shared < 0 ? line : line.slice(0, shared)
}
