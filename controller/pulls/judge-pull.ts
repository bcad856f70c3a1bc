import { parseCommit } from '../../runtime/git/commit-object.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { verifyAlone } from '../../runtime/trust/ledger-step.ts'
import { readChanges } from '../../runtime/trust/state.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import type { AuthorGates } from '../cli/judge/author-gates.ts'
import { checkMerged } from '../cli/judge/check-clone.ts'
import type { CheckResult } from '../cli/judge/check-result.ts'
import { behaviourOfMerge } from '../cli/judge/merge-behaviour.ts'
import { overlayObjects } from '../cli/clone/overlay-objects.ts'
import type { LedgerHead } from '../promotion/head.ts'
import { filesOfMerge, mergePull } from './merge-pull.ts'

/** A pull request and what it is judged against; oids of commits. */
export type PullToJudge = {
  root: Root
  /** Verified by whoever asks. */
  live: string
  main: string
  head: string
  now: Date
}

/**
 * What `contractor check --base main` says of the head of a pull request, under the governance in force; null where
 * `main` has all of it already. Writes nothing.
 */
export async function judgePull(
  reader: ObjectReader,
  gates: AuthorGates,
  { root, live, main, head, now }: PullToJudge,
): Promise<CheckResult | null> {
  const merged = await mergePull(overlayObjects(reader), { main, head, now })
  if (merged === null) return null
  const ledger = await ledgerAt(reader, root, live)
  const { seals } = ledger.state
  const deps = { gates, ledger: { head: ledger, seals }, now: () => now }
  const { result, judged } = await checkMerged(deps, merged, await filesOfMerge(merged), [])
  result.behaviour.push(...(await behaviourOfMerge(merged.objects, seals, judged, result.merge)))
  return result
}

async function ledgerAt(reader: ObjectReader, root: Root, oid: string): Promise<LedgerHead> {
  const raw = await reader.read(oid, 'commit')
  const { changes: files, entry } = await readChanges(reader, null, parseCommit(raw).tree)
  return verifyAlone(root, { oid, raw, entry, files })
}
