import { approvals } from './approvals.ts'
import { freeze } from './freeze.ts'
import { compatible, revoked, sealed, stage } from './promotable.ts'
import type { AliasEvidence, AliasFinding, AliasGate } from './alias-gate.ts'
import { wantedLevel } from './rollback.ts'
import { shadow } from './shadow.ts'
import { soak } from './soak.ts'
import { values } from './values-gate.ts'
import type { Approval, StackLevel } from '../../schemas/ledger/state.ts'
import type { Reason } from '../../schemas/reasons.ts'

/** The gates of a promotion, in the order in which they are judged (DESIGN section 4). */
export const PROMOTION_GATES: readonly AliasGate[] = [
  sealed,
  stage,
  approvals,
  soak,
  shadow,
  freeze,
  revoked,
  compatible,
  values,
]

/** What a rollback must pass: going back never waits behind gates, freezes or soaks (DESIGN section 3). */
export const ROLLBACK_GATES: readonly AliasGate[] = [sealed, approvals, revoked, compatible]

export type AliasJudgement = {
  decision: 'allow' | 'deny' | 'wait'
  kind: 'promote' | 'rollback' | 'refuse'
  reason_code: Reason
  message: string
  not_before: string | null
  /** To which a rollback goes back; null for a promotion. */
  level: StackLevel | null
  approvals: Approval[]
  ran: { gate: string; verdict: AliasFinding['verdict'] }[]
}

/** The first denial decides; without one the first wait; without either the change is allowed. Pure. */
export function judgeAlias(evidence: AliasEvidence): AliasJudgement {
  const level = wantedLevel(evidence)
  const judged = (level === null ? PROMOTION_GATES : ROLLBACK_GATES).map((gate) => ({
    gate: gate.name,
    ...gate.judge(evidence),
  }))
  const ran = judged.map(({ gate, verdict }) => ({ gate, verdict }))
  const denial = judged.find((finding) => finding.verdict === 'deny')
  if (denial?.verdict === 'deny') {
    return {
      decision: 'deny',
      kind: 'refuse',
      reason_code: denial.code,
      message: denial.message,
      not_before: null,
      level,
      approvals: [],
      ran,
    }
  }
  const wait = judged.find((finding) => finding.verdict === 'wait')
  const kind = level === null ? 'promote' : 'rollback'
  if (wait?.verdict === 'wait') {
    return {
      decision: 'wait',
      kind,
      reason_code: wait.code,
      message: wait.message,
      not_before: wait.not_before,
      level,
      approvals: [],
      ran,
    }
  }
  const counted = judged.flatMap((finding) => (finding.verdict === 'pass' ? (finding.approvals ?? []) : []))
  const reason_code = level === null ? 'PROMOTED' : 'ROLLED_BACK'
  return { decision: 'allow', kind, reason_code, message: '', not_before: null, level, approvals: counted, ran }
}
