import type { Explanation } from '../../schemas/http/execute.ts'
import type { RoutingRecord } from '../audit/record.ts'
import type { Commitments } from '../audit/commitments.ts'
import type { Execution } from '../engine/execute.ts'
import type { Served } from '../tenants/table.ts'

export type ServedBundle = Extract<Served, { kind: 'bundle' }>

/** What was executed, with the parts of it that every answer to the same question shares. */
export type Answer = {
  served: ServedBundle
  /** The body from behind `request_id`. */
  body: string
  intent: string
  routing: RoutingRecord | null
  redacted: number
  inputCommitment: string
  outputCommitment: string
}

export function answerOf(
  tenant: string,
  served: ServedBundle,
  execution: Execution,
  input: unknown,
  commitments: Commitments,
): Answer {
  const { outcome, intent, routing, output, redacted } = execution
  const { bundle, version, bundle_id, digest } = served.state
  const body = { tenant, bundle: { name: bundle, version, bundle_id, digest }, outcome, intent, routing, output }
  return {
    served,
    body: JSON.stringify(body).slice(1),
    intent,
    routing: routing === null ? null : recordedRouting(routing),
    redacted,
    inputCommitment: commitments.ofValue(input),
    outputCommitment: commitments.ofValue(output),
  }
}

/** The short form of an explanation: words of the sealed bundle and numbers. */
export function recordedRouting({ matched, score, threshold, ambiguous }: Explanation): RoutingRecord {
  return { ...(ambiguous !== undefined && { ambiguous }), matched, score, threshold }
}
