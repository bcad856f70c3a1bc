import { createHmac } from 'node:crypto'
import canonicalize from 'canonicalize'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { commitmentsOf, hmacSha256 } from '../../../runtime/audit/commitments.ts'
import { serialiseRecord, type AuditRecord } from '../../../runtime/audit/record.ts'
import { aRecord } from '../../support/audit-record.ts'

const text = fc.string({ unit: 'grapheme' })
const anyRecord = fc
  .record({
    ...Object.fromEntries(Object.entries(aRecord()).map(([name, value]) => [name, fc.constant(value)])),
    tenant: fc.option(text),
    intent: fc.option(text),
    request_id: fc.option(text),
    policies: fc.option(text),
    ms: fc.double({ noNaN: true, noDefaultInfinity: true }),
    redacted: fc.nat(),
    routing: fc.option(
      fc.record(
        {
          ambiguous: fc.array(text),
          matched: fc.array(text),
          score: fc.double({ noNaN: true, noDefaultInfinity: true }),
          threshold: fc.double({ noNaN: true, noDefaultInfinity: true }),
        },
        { requiredKeys: ['matched', 'score', 'threshold'] },
      ),
    ),
  })
  .chain((record) =>
    fc
      .record({ against: text, began: fc.nat(), values: text }, { requiredKeys: [] })
      .map((optional) => ({ ...record, ...optional })),
  ) as unknown as fc.Arbitrary<AuditRecord>

describe('a record', () => {
  it('is serialised as RFC 8785 says, whatever it holds', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(), (record, seq) => {
        expect(serialiseRecord(record, seq)).toBe(canonicalize({ ...record, seq, v: 1 }))
      }),
    )
  })
})

describe('the HMAC', () => {
  it('is that of node:crypto, for any key and text', () => {
    const keys = fc.uint8Array({ minLength: 1, maxLength: 64 })
    fc.assert(
      fc.property(keys, fc.string({ unit: 'grapheme', maxLength: 500 }), (key, message) => {
        expect(hmacSha256(key)(message)).toBe(createHmac('sha256', key).update(message).digest('hex'))
      }),
    )
  })
})

describe('commitments', () => {
  const secret = Buffer.alloc(32, 7)

  it('do not depend on the order of members', () => {
    const commitments = commitmentsOf(secret, 'acme')
    expect(commitments.ofValue({ a: 1, b: 2 })).toBe(commitments.ofValue({ b: 2, a: 1 }))
  })

  it('of the same value differ between tenants and nodes', () => {
    const value = { question: 'When?' }
    const seen = new Set([
      commitmentsOf(secret, 'acme').ofValue(value),
      commitmentsOf(secret, 'globex').ofValue(value),
      commitmentsOf(Buffer.alloc(32, 8), 'acme').ofValue(value),
      commitmentsOf(secret, 'acme').ofUser(JSON.stringify(value)),
    ])
    expect(seen.size).toBe(4)
  })
})
