import type { AuditRecord } from '../../runtime/audit/record.ts'

/** A record of an answer. */
export function aRecord(changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    ts: '2026-08-01T12:00:00.000Z',
    phase: 'end',
    node: 'node-1',
    tenant: 'acme',
    key_id: 'k1',
    user: null,
    request_id: 'r-1',
    action: 'execute',
    profile: 'execute',
    decision: 'allow',
    reason_code: 'ALLOWED',
    status: 200,
    runtime_version: '1.0.0',
    bundle: 'faq@1.0.0',
    digest: `sha256:${'0'.repeat(64)}`,
    policies: null,
    intent: 'card_arrival',
    routing: { matched: ['card'], score: 0.91, threshold: 0.4 },
    input_commitment: 'a'.repeat(64),
    output_commitment: 'b'.repeat(64),
    redacted: 0,
    ms: 1.25,
    count: 1,
    since: null,
    ...changes,
  }
}
