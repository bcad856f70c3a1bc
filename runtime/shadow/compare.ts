import { statusOf, type Reason } from '../../schemas/reasons.ts'
import type { AliasState } from '../../schemas/ledger/state.ts'
import type { Commitments } from '../audit/commitments.ts'
import { blankRecord, type AuditRecord, type RecordOrigin } from '../audit/record.ts'
import type { Execution } from '../engine/execute.ts'
import { recordedRouting, type Answer, type ServedBundle } from '../http/answer.ts'
import type { ServedTenant } from '../tenants/table.ts'

/** What the candidate would have done. */
export type ShadowResult = { execution: Execution; ms: number } | { reason: Reason; ms: number }

/** One answer through `current`, and what it is to be compared with. */
export type Compared = {
  tenant: ServedTenant
  requestId: string
  answer: Answer
  candidate: ServedBundle
  commitments: Commitments
}

/**
 * A model step speaks to others and costs, so that a digest with one runs unasked only where people approved it for
 * `current` before.
 */
export function mayShadow({ bundle, state }: ServedBundle, current: AliasState): boolean {
  if (bundle.policies.llm?.enabled !== true) return true
  return current.stack.some(({ digest }) => digest === state.digest)
}

/** Whether both agree on the intent and on every byte of the output, and the record of it. The question is not in it. */
export function shadowRecord(origin: RecordOrigin, compared: Compared, result: ShadowResult): AuditRecord {
  const { tenant, answer, candidate, commitments } = compared
  const { bundle, version, digest } = candidate.state
  const output = 'execution' in result ? commitments.ofValue(result.execution.output) : null
  const intent = 'execution' in result ? result.execution.intent : null
  const agrees = intent === answer.intent && output === answer.outputCommitment
  const status = 'reason' in result ? statusOf(result.reason) : 200
  const record: AuditRecord = {
    ...blankRecord(origin, 'execute', agrees ? 'SHADOW_AGREED' : 'SHADOW_DIFFERED', status),
    phase: 'shadow',
    against: answer.served.state.digest,
    tenant: tenant.state.tenant,
    request_id: compared.requestId,
    bundle: `${bundle}@${version}`,
    digest,
    policies: tenant.policies,
    intent,
    input_commitment: answer.inputCommitment,
    output_commitment: output,
    ms: Math.round(result.ms * 1000) / 1000,
  }
  if ('execution' in result) {
    const { routing, redacted } = result.execution
    record.routing = routing === null ? null : recordedRouting(routing)
    record.redacted = redacted
  }
  return record
}
