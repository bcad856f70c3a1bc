import { approvalStatement, judgeApprovals } from '../../runtime/trust/approvals.ts'
import { held, PASS, promotionRule, type AliasEvidence, type AliasGate } from './alias-gate.ts'
import { isRollback } from './rollback.ts'

/** Enough distinct people who may, and who did not write it, signed exactly this change (DESIGN section 3). */
export const approvals: AliasGate = {
  name: 'approvals',
  judge(evidence) {
    const { seal, signers, roles, now } = evidence
    const needed = approvalsNeeded(evidence)
    if (seal === null || needed === 0) return PASS
    const before = held(evidence)
    const change = {
      registry: evidence.registry,
      tenant: evidence.tenant,
      alias: evidence.alias,
      from: before?.digest ?? null,
      digest: seal.digest,
      seq: before?.seq ?? 0,
    }
    const { approved, faults } = judgeApprovals({
      ...change,
      approvals: evidence.approvals,
      signers,
      roles,
      authors: seal.authors,
      needed,
      at: now,
    })
    if (faults.length === 0) {
      const statement = approvalStatement(change)
      const counted = evidence.approvals.filter(({ principal }) => approved.includes(principal))
      return { verdict: 'pass', approvals: counted.map((approval) => ({ ...approval, statement })) }
    }
    const found = faults.map((fault) => ` ${fault.message}`).join('')
    const message = `${evidence.tenant}/${evidence.alias} needs ${needed} approval(s) of this change and has ${approved.length}.${found}`
    return { verdict: 'deny', code: faults[0]?.code ?? 'APPROVAL_MISSING', message }
  },
}

function approvalsNeeded(evidence: AliasEvidence): number {
  return isRollback(evidence) ? evidence.rules.rollback.approvals : (promotionRule(evidence)?.approvals ?? 0)
}
