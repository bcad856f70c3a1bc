import { describe, expect, it } from 'vitest'
import { comparisonsIn, newerShadow } from '../../../controller/witness/comparisons.ts'
import type { WitnessedLog, WitnessedShadow } from '../../../controller/witness/judge-checkpoint.ts'

const [OLD, NEW] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`]

function shadowOf(size: number, ...counts: [tenant: string, agreed: number, differed: number][]): WitnessedShadow {
  const known = counts.map(([tenant, agreed, differed]) => ({ tenant, against: OLD, digest: NEW, agreed, differed }))
  return { origin: 'acme/a/0/1', size, counts: known, note: `note ${size}` }
}

function log(reporter: string, shadow: WitnessedShadow | null): WitnessedLog {
  return { origin: 'acme/a/0/1', size: 99, root: Buffer.alloc(32), verifier: 'v', reporter, note: 'n', shadow }
}

describe('what Runtimes report of candidates', () => {
  it('adds up over logs', () => {
    const logs = [log('operator', shadowOf(9, ['shop', 5, 1])), log('operator', shadowOf(9, ['shop', 7, 0]))]
    expect(comparisonsIn(logs)('shop', OLD, NEW)).toEqual({ agreed: 12, differed: 1 })
  })

  it('is nothing for a pair, a tenant or a log that says nothing', () => {
    const of = comparisonsIn([log('operator', shadowOf(9, ['shop', 5, 1])), log('operator', null)])
    const nothing = { agreed: 0, differed: 0 }
    expect([of('shop', NEW, OLD), of('bank', OLD, NEW)]).toEqual([nothing, nothing])
  })

  it('counts for no other tenant than that of the key which reported it', () => {
    const of = comparisonsIn([log('tenant:bank', shadowOf(9, ['shop', 500, 0], ['bank', 3, 0]))])
    expect(of('shop', OLD, NEW)).toEqual({ agreed: 0, differed: 0 })
    expect(of('bank', OLD, NEW)).toEqual({ agreed: 3, differed: 0 })
  })

  it('is never replaced by what was known earlier', () => {
    const [old, now] = [shadowOf(5), shadowOf(9)]
    expect([newerShadow(old, now), newerShadow(now, old), newerShadow(null, old), newerShadow(old, null)]).toEqual([
      now,
      now,
      old,
      old,
    ])
  })
})
