import type { Change, ChangeClass } from '../../../runtime/engine/change-class.ts'
import type { BehaviourDiff } from '../../../runtime/engine/diff.ts'
import type { SuiteResult } from '../../../runtime/engine/suites.ts'
import type { Finding } from '../../../schemas/finding.ts'
import type { Decision } from '../../../schemas/ledger/entry.ts'
import type { GateReport } from '../../gates/report.ts'

/** What `check --json` prints (DESIGN section 7). */
export type CheckResult = {
  verdict: 'pass' | 'fail'
  findings: Finding[]
  suites: SuiteResult[]
  bundles: CheckedBundle[]
  /** What versions do otherwise than those before them; left out while watching. */
  behaviour: BehaviourChanges[]
  /** What the controller would decide after the merge; null where no root is pinned, and nothing on `live` is believed. */
  merge: MergePreview | null
}

export type CheckedBundle = {
  bundle: string
  version: string
  digest: string | null
  verdict: 'pass' | 'fail'
  ran: GateReport['ran']
}

/** Two versions of one bundle beside each other. */
export type BehaviourChanges = {
  bundle: string
  from: string
  to: string
  class: ChangeClass
  changes: Change[]
  behaviour: BehaviourDiff
  /** Tenants that would answer otherwise. */
  tenants: string[]
}

export type MergePreview = {
  /** Of the entry of `live` that it was judged against. */
  seq: number
  /** False where more would follow in later entries than one entry holds. */
  complete: boolean
  decisions: PreviewedDecision[]
}

export type PreviewedDecision = Pick<
  Decision,
  'subject' | 'kind' | 'decision' | 'reason_code' | 'message' | 'not_before' | 'from' | 'to'
> & {
  /** Who must still approve; null where nobody has to. */
  approvals: ApprovalsNeeded | null
}

/** `approved` counts; `missing` more of `may` must sign. */
export type ApprovalsNeeded = { needed: number; approved: string[]; missing: number; may: string[] }
