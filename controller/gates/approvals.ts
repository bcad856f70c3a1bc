import { judgeApprovals } from '../../runtime/trust/approvals.ts'
import { changeSeq } from '../../runtime/trust/change-seq.ts'
import { held, PASS, promotionRule, type AliasEvidence, type AliasGate } from './alias-gate.ts'
import { wantedLevel } from './rollback.ts'

/** Enough distinct people who may, and who did not write it, signed exactly this change (DESIGN section 3). */
export const approvals: AliasGate = {
  name: 'approvals',
  judge(evidence) {
    const { seal, registry, tenant, alias, signers, roles, now } = evidence
    const needed = approvalsNeeded(evidence)
    if (seal === null || needed === 0) return PASS
    const before = held(evidence)
    const change = {
      registry,
      tenant,
      alias,
      from: before?.digest ?? null,
      digest: seal.digest,
      seq: changeSeq(evidence.state, alias),
    }
    const asked = { ...change, approvals: evidence.approvals, signers, roles, authors: seal.authors, needed, at: now }
    const { counted, faults } = judgeApprovals(asked)
    const fault = faults[0]
    if (fault === undefined) return { verdict: 'pass', approvals: counted }
    return { verdict: 'deny', code: fault.code, message: `${faults.map(({ message }) => message).join('. ')}.` }
  },
}

function approvalsNeeded(evidence: AliasEvidence): number {
  const { rules } = evidence
  return wantedLevel(evidence) === null ? (promotionRule(evidence)?.approvals ?? 0) : rules.rollback.approvals
}
