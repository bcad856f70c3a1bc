import type { Reason } from '../../schemas/reasons.ts'

/** `ambiguous` are the intents that were too close to each other, where that is why the fallback answered. */
export type RoutingRecord = { ambiguous?: string[]; matched: string[]; score: number; threshold: number }

/**
 * What one decision leaves behind (DESIGN section 5). Nothing of a body is in it: `input_commitment` and
 * `output_commitment` are HMACs under a key of the tenant, `user` is an HMAC of the name that the request gave.
 * `phase` is `end` for a decision about one request, `begin` for a call to a model that is about to be made, `shadow`
 * for a candidate that was compared with what answered, `aggregate` for `count` denials alike since `since`, and
 * `recovered` for a torn tail that was cut off at a start.
 */
export type AuditRecord = {
  /** RFC 3339, UTC, milliseconds. */
  ts: string
  phase: 'begin' | 'end' | 'shadow' | 'aggregate' | 'recovered'
  node: string
  tenant: string | null
  key_id: string | null
  user: string | null
  request_id: string | null
  action: string
  /** In a `shadow`: digest of the bundle that answered. */
  against?: string
  /** In the `end` of a call to a model: the number of its `begin`. */
  began?: number
  profile: string | null
  /** `unknown` where a process ended between the `begin` and the `end` of a call. */
  decision: 'allow' | 'deny' | 'unknown'
  reason_code: Reason
  /** HTTP status of the answer. */
  status: number
  runtime_version: string
  /** `<name>@<version>` */
  bundle: string | null
  digest: string | null
  /** Digest of the organisation's floor of policies in force. */
  policies: string | null
  /** Digest of the tenant's values in force, where it has some. */
  values?: string
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

/** What every record of a process says of it. */
export type RecordOrigin = Pick<AuditRecord, 'ts' | 'node' | 'runtime_version'>

/** The record of a decision of which nothing but its reason is known. */
export function blankRecord(
  { ts, node, runtime_version }: RecordOrigin,
  action: string,
  reason_code: Reason,
  status: number,
): AuditRecord {
  return {
    ts,
    phase: 'end',
    node,
    tenant: null,
    key_id: null,
    user: null,
    request_id: null,
    action,
    profile: null,
    decision: status < 400 ? 'allow' : 'deny',
    reason_code,
    status,
    runtime_version,
    bundle: null,
    digest: null,
    policies: null,
    intent: null,
    routing: null,
    input_commitment: null,
    output_commitment: null,
    redacted: 0,
    ms: 0,
    count: 1,
    since: null,
  }
}

/** What is left of a torn tail of `bytes` bytes that was cut off at a start. */
export function recoveredRecord(origin: RecordOrigin, bytes: number): AuditRecord {
  return { ...blankRecord(origin, 'recover', 'AUDIT_UNAVAILABLE', 503), phase: 'recovered', count: bytes }
}

// ASCII without quotation mark, backslash and controls: what JSON writes as it stands.
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function text(value: string | null): string {
  if (value === null) return 'null'
  return PLAIN.test(value) ? `"${value}"` : JSON.stringify(value)
}

function routingText(routing: RoutingRecord | null): string {
  if (routing === null) return 'null'
  const { ambiguous, matched } = routing
  const rivals = ambiguous === undefined ? '' : `"ambiguous":[${ambiguous.map(text).join()}],`
  return `{${rivals}"matched":[${matched.map(text).join()}],"score":${routing.score},"threshold":${routing.threshold}}`
}

/**
 * A record as the log holds it: RFC 8785. Written out, because it is written for every request; a property test holds
 * it equal to what the library `canonicalize` makes.
 */
export function serialiseRecord(record: AuditRecord, seq: number): string {
  const { against, began } = record
  const compared = against === undefined ? '' : `"against":${text(against)},`
  const filled = record.values === undefined ? '' : `,"values":${text(record.values)}`
  const call = began === undefined ? '' : `"began":${began},`
  return `{"action":${text(record.action)},${compared}${call}"bundle":${text(record.bundle)},"count":${record.count},"decision":"${
    record.decision
  }","digest":${text(record.digest)},"input_commitment":${text(record.input_commitment)},"intent":${text(
    record.intent,
  )},"key_id":${text(record.key_id)},"ms":${record.ms},"node":${text(record.node)},"output_commitment":${text(
    record.output_commitment,
  )},"phase":"${record.phase}","policies":${text(record.policies)},"profile":${text(record.profile)},"reason_code":"${
    record.reason_code
  }","redacted":${record.redacted},"request_id":${text(record.request_id)},"routing":${routingText(
    record.routing,
  )},"runtime_version":${text(record.runtime_version)},"seq":${seq},"since":${text(record.since)},"status":${
    record.status
  },"tenant":${text(record.tenant)},"ts":${text(record.ts)},"user":${text(record.user)},"v":1${filled}}`
}
