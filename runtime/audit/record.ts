import type { Reason } from '../../schemas/reasons.ts'

export type RoutingRecord = { matched: string[]; score: number; threshold: number }

/**
 * What one decision leaves behind (DESIGN section 5). Nothing of a body is in it: `input_commitment` and
 * `output_commitment` are HMACs under a key of the tenant, `user` is an HMAC of the name that the request gave.
 * `phase` is `end` for a decision about one request, `aggregate` for `count` denials alike since `since`, and
 * `recovered` for a torn tail that was cut off at a start.
 */
export type AuditRecord = {
  /** RFC 3339, UTC, milliseconds. */
  ts: string
  phase: 'end' | 'aggregate' | 'recovered'
  node: string
  tenant: string | null
  key_id: string | null
  user: string | null
  request_id: string | null
  action: string
  profile: string | null
  decision: 'allow' | 'deny'
  reason_code: Reason
  /** HTTP status of the answer. */
  status: number
  runtime_version: string
  /** `<name>@<version>` */
  bundle: string | null
  digest: string | null
  intent: string | null
  /** Words of the sealed vocabulary only. */
  routing: RoutingRecord | null
  input_commitment: string | null
  output_commitment: string | null
  /** How many places were redacted. */
  redacted: number
  ms: number
  /** How many requests it stands for. */
  count: number
  /** RFC 3339; where `count` may be more than one. */
  since: string | null
}

/**
 * The bytes of a record in the log: RFC 8785. The members stand in the order of RFC 8785 already, so that
 * `JSON.stringify` writes it; a property test holds it equal to the library `canonicalize`.
 */
export function serialiseRecord(record: AuditRecord, seq: number): Buffer {
  const { routing } = record
  return Buffer.from(
    JSON.stringify({
      action: record.action,
      bundle: record.bundle,
      count: record.count,
      decision: record.decision,
      digest: record.digest,
      input_commitment: record.input_commitment,
      intent: record.intent,
      key_id: record.key_id,
      ms: record.ms,
      node: record.node,
      output_commitment: record.output_commitment,
      phase: record.phase,
      profile: record.profile,
      reason_code: record.reason_code,
      redacted: record.redacted,
      request_id: record.request_id,
      routing:
        routing === null ? null : { matched: routing.matched, score: routing.score, threshold: routing.threshold },
      runtime_version: record.runtime_version,
      seq,
      since: record.since,
      status: record.status,
      tenant: record.tenant,
      ts: record.ts,
      user: record.user,
      v: 1,
    }),
  )
}
