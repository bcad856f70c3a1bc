import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { judgeAlias } from '../../../controller/gates/alias-gates.ts'
import type { AliasEvidence } from '../../../controller/gates/alias-gate.ts'
import { nothingCompared } from '../../../controller/gates/shadow.ts'
import { generateKeyPair, type Signer } from '../../../controller/promotion/sign.ts'
import { parseAllowedSigners } from '../../../runtime/trust/allowed-signers.ts'
import { approvalStatement } from '../../../runtime/trust/approvals.ts'
import type { AliasState, SealRecord, StackLevel, TenantState } from '../../../schemas/ledger/state.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'

const NOW = new Date('2026-06-03T12:00:00Z')
const OLD = `sha256:${'1'.repeat(64)}`
const NEW = `sha256:${'2'.repeat(64)}`

const rules: Registry = {
  registry: 'acme',
  runtime: { version: '1.0.0' },
  compiler: 1,
  gates: 1,
  policies: { required: [] },
  promotion: { candidate: { approvals: 0 }, current: { from: 'candidate', approvals: 1, soak: 'PT0S', freeze: [] } },
  rollback: { approvals: 0, within: 'P30D' },
  changes: { governance: 'owners', keys: 0, limits: 0, unsuspend: 'owners', unrevoke: 'owners' },
}

const seal: SealRecord = {
  bundle: 'faq',
  version: '1.1.0',
  bundle_id: `b-${'2'.repeat(32)}`,
  digest: NEW,
  source_digest: `sha256:${'3'.repeat(64)}`,
  report: `sha256:${'4'.repeat(64)}`,
  compatibility: { min_version: '1.0.0' },
  seal: '5'.repeat(40),
  tag_object: '6'.repeat(40),
  source: '7'.repeat(40),
  authors: ['ana'],
}

function level(version: string, digest: string, until: string | null): StackLevel {
  return { bundle: 'faq', version, digest, seq: 4, until }
}

function holds(version: string, digest: string, stack = [level(version, digest, null)]): AliasState {
  const since = '2026-06-01T00:00:00Z'
  const place = { bundle_id: 'b-', tag: `refs/tags/bundles/faq/${version}`, seal: '5'.repeat(40) }
  return { bundle: 'faq', version, digest, ...place, seq: 4, since, from: null, approvals: [], stack }
}

function tenant(aliases: TenantState['aliases']): TenantState {
  const settings = { status: 'active' as const, labels: {}, limits: {}, quota: {}, max_staleness: 'PT1H' }
  return { tenant: 'acme', ...settings, keys: [], values: {}, aliases }
}

let ben: Signer
let mallory: Signer

async function approval(signer: Signer, principal = 'ben', seq = 4, from = OLD) {
  const statement = approvalStatement({ registry: 'acme', tenant: 'acme', alias: 'current', from, digest: NEW, seq })
  return { principal, signature: await signer.sign(Buffer.from(statement), 'contractor-approval') }
}

function evidence(change: Partial<AliasEvidence> = {}): AliasEvidence {
  const signers = parseAllowedSigners(
    `ben namespaces="contractor-approval" ${ben.publicKey}\n`,
    'governance/allowed_signers',
  ).signers
  return {
    registry: 'acme',
    tenant: 'acme',
    alias: 'current',
    rules,
    signers,
    roles: {
      principals: ['ana', 'ben'].map((id) => ({ id, name: id, emails: [`${id}@example.org`] })),
      roles: [{ name: 'approvers', members: ['ana', 'ben'], approve: { aliases: ['*'], tenants: ['*'] } }],
    },
    revoked: [],
    state: tenant({ candidate: holds('1.1.0', NEW), current: holds('1.0.0', OLD) }),
    wanted: { bundle: 'faq', version: '1.1.0', digest: NEW },
    seal,
    sealVerdict: 'none',
    approvals: [],
    comparisons: nothingCompared,
    values: [],
    seq: 9,
    now: NOW,
    ...change,
  }
}

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'contractor-gates-'))
  ben = await generateKeyPair(join(folder, 'ben'), 'ben')
  mallory = await generateKeyPair(join(folder, 'mallory'), 'mallory')
})

describe('a promotion', () => {
  it('is allowed with the approval of somebody who may, and keeps that approval', async () => {
    const judged = judgeAlias(evidence({ approvals: [await approval(ben)] }))
    expect(judged).toMatchObject({ decision: 'allow', kind: 'promote', reason_code: 'PROMOTED' })
    expect(judged.approvals.map(({ principal }) => principal)).toEqual(['ben'])
  })

  it.each([
    ['no approval', {}, 'APPROVAL_MISSING'],
    ['a version that is not sealed', { seal: null }, 'NOT_SEALED'],
    [
      'a digest that is not the version',
      { wanted: { bundle: 'faq', version: '1.1.0', digest: OLD } },
      'DIGEST_MISMATCH',
    ],
    ['a version that is not candidate', { state: null }, 'NOT_CANDIDATE'],
    [
      'a Runtime that is too old',
      { alias: 'candidate', seal: { ...seal, compatibility: { min_version: '2.0.0' } } },
      'INCOMPATIBLE_RUNTIME',
    ],
    [
      'a Runtime that is too new',
      { alias: 'candidate', seal: { ...seal, compatibility: { min_version: '0.1.0', max_version: '0.9.0' } } },
      'INCOMPATIBLE_RUNTIME',
    ],
    [
      'a revoked digest',
      { alias: 'candidate', revoked: [{ digest: NEW, reason: 'wrong prices', at: '2026-06-01T00:00:00Z' }] },
      'BUNDLE_REVOKED',
    ],
  ] satisfies [string, Partial<AliasEvidence>, string][])('is refused for %s', (_, change, code) => {
    expect(judgeAlias(evidence(change))).toMatchObject({ decision: 'deny', kind: 'refuse', reason_code: code })
  })

  it('is refused with an approval of another change, a stranger, or the author', async () => {
    const of = async (found: Awaited<ReturnType<typeof approval>>, change: Partial<AliasEvidence> = {}) =>
      judgeAlias(evidence({ approvals: [found], ...change })).reason_code
    expect(await of(await approval(ben, 'ben', 3))).toBe('APPROVAL_INVALID')
    expect(await of(await approval(ben, 'ben', 4, NEW))).toBe('APPROVAL_INVALID')
    expect(await of(await approval(mallory))).toBe('APPROVAL_INVALID')
    expect(await of(await approval(ben), { seal: { ...seal, authors: ['ana', 'ben'] } })).toBe('APPROVAL_BY_AUTHOR')
    expect(await of(await approval(ben), { seal: { ...seal, authors: ['stranger@example.org'] } })).toBe(
      'AUTHOR_UNMAPPED',
    )
  })

  it('is not counted twice for one person with two files', async () => {
    const two = { ...rules, promotion: { ...rules.promotion, current: { ...rules.promotion.current, approvals: 2 } } }
    const found = await approval(ben)
    expect(judgeAlias(evidence({ rules: two, approvals: [found, found] }))).toMatchObject({
      reason_code: 'APPROVAL_MISSING',
    })
  })

  it('waits while its gates run, and until the candidate has soaked', async () => {
    const approvals = [await approval(ben)]
    expect(judgeAlias(evidence({ seal: null, sealVerdict: 'pending', alias: 'candidate' }))).toMatchObject({
      decision: 'wait',
      reason_code: 'EVIDENCE_PENDING',
    })
    const soaking = {
      ...rules,
      promotion: { ...rules.promotion, current: { ...rules.promotion.current, soak: 'P3D' } },
    }
    const waiting = judgeAlias(evidence({ rules: soaking, approvals }))
    expect(waiting).toMatchObject({ decision: 'wait', reason_code: 'SOAKING', not_before: '2026-06-04T00:00:00.000Z' })
  })
})

describe('a freeze', () => {
  const frozen = (now: string, freeze: NonNullable<Registry['promotion']['current']['freeze']>) => async () => {
    const current = { ...rules.promotion.current, freeze }
    return judgeAlias(
      evidence({
        rules: { ...rules, promotion: { ...rules.promotion, current } },
        approvals: [await approval(ben)],
        now: new Date(now),
      }),
    )
  }
  const friday = { days: ['fri' as const], from: '16:00', to: '24:00', timezone: 'America/Sao_Paulo' }

  it('holds a promotion until its end by the local clock', async () => {
    const judged = await frozen('2026-06-05T19:30:00Z', [friday])()
    expect(judged).toMatchObject({ decision: 'wait', reason_code: 'FROZEN', not_before: '2026-06-06T03:00:00.000Z' })
  })

  it('does not hold one minute earlier', async () => {
    expect(await frozen('2026-06-05T18:59:59Z', [friday])()).toMatchObject({ decision: 'allow' })
  })

  it('that passes midnight belongs to the day on which it begins', async () => {
    const night = { days: ['fri' as const], from: '22:00', to: '06:00', timezone: 'UTC' }
    expect(await frozen('2026-06-06T05:59:00Z', [night])()).toMatchObject({ not_before: '2026-06-06T06:00:00.000Z' })
    expect(await frozen('2026-06-05T05:59:00Z', [night])()).toMatchObject({ decision: 'allow' })
  })

  it('followed by another one ends with the last', async () => {
    const days = [friday, { ...friday, days: ['sat' as const], from: '00:00', to: '12:00' }]
    expect(await frozen('2026-06-05T19:30:00Z', days)()).toMatchObject({ not_before: '2026-06-06T15:00:00.000Z' })
  })

  it('that is lifted by hand names no end', async () => {
    expect(await frozen('2026-06-05T19:30:00Z', [{ ...friday, resume: 'manual' }])()).toMatchObject({
      reason_code: 'FROZEN',
      not_before: null,
    })
  })
})

describe('a rollback', () => {
  const stack = [level('1.1.0', NEW, '2026-05-20T00:00:00Z'), level('1.2.0', OLD, null)]
  const back = { state: tenant({ current: holds('1.2.0', OLD, stack) }) }

  it('needs no approval, no candidate, and waits for no freeze', () => {
    const freeze = [{ days: ['wed' as const], from: '00:00', to: '24:00', timezone: 'UTC' }]
    const current = { ...rules.promotion.current, freeze, soak: 'P3D' }
    const judged = judgeAlias(evidence({ ...back, rules: { ...rules, promotion: { ...rules.promotion, current } } }))
    expect(judged).toMatchObject({ decision: 'allow', kind: 'rollback', reason_code: 'ROLLED_BACK' })
  })

  it('to a digest that it stopped holding too long ago is a promotion', () => {
    const rollback = { approvals: 0, within: 'P7D' }
    expect(judgeAlias(evidence({ ...back, rules: { ...rules, rollback } }))).toMatchObject({
      decision: 'deny',
      reason_code: 'NOT_CANDIDATE',
    })
  })

  it('to a revoked digest is refused', () => {
    const revoked = [{ digest: NEW, reason: 'wrong prices', at: '2026-06-01T00:00:00Z' }]
    expect(judgeAlias(evidence({ ...back, revoked }))).toMatchObject({
      decision: 'deny',
      reason_code: 'BUNDLE_REVOKED',
    })
  })
})

describe('a promotion that must have been compared', () => {
  const rule = { ...rules.promotion.current, shadow: { comparisons: 10, differences: 1 } }
  const compared: Registry = { ...rules, promotion: { ...rules.promotion, current: rule } }
  const judged = async (agreed: number, differed: number, change: Partial<AliasEvidence> = {}) =>
    judgeAlias(
      evidence({
        rules: compared,
        approvals: [await approval(ben)],
        comparisons: (name, against, digest) =>
          name === 'acme' && against === OLD && digest === NEW ? { agreed, differed } : nothingCompared(),
        ...change,
      }),
    )

  it.each([
    [0, 0, 'wait', 'SHADOW_PENDING'],
    [9, 0, 'wait', 'SHADOW_PENDING'],
    [10, 0, 'allow', 'PROMOTED'],
    [9, 1, 'allow', 'PROMOTED'],
    [500, 2, 'deny', 'SHADOW_DIFFERS'],
    [0, 2, 'deny', 'SHADOW_DIFFERS'],
  ])('with %i that agreed and %i that differed is %s %s', async (agreed, differed, decision, reason_code) => {
    expect(await judged(agreed, differed)).toMatchObject({ decision, reason_code })
  })

  it('waits where what was compared is another pair of bundles', async () => {
    const comparisons = (_: string, against: string, digest: string) =>
      against === NEW && digest === OLD ? { agreed: 99, differed: 0 } : nothingCompared()
    expect(await judged(0, 0, { comparisons })).toMatchObject({ decision: 'wait', reason_code: 'SHADOW_PENDING' })
  })

  it("of a tenant's first bundle has nothing to be compared with", async () => {
    const state = tenant({ candidate: holds('1.1.0', NEW) })
    const statement = { registry: 'acme', tenant: 'acme', alias: 'current' as const, from: null, digest: NEW, seq: 0 }
    const signature = await ben.sign(Buffer.from(approvalStatement(statement)), 'contractor-approval')
    const approvals = [{ principal: 'ben', signature }]
    expect(await judged(0, 0, { state, approvals })).toMatchObject({ decision: 'allow' })
  })

  it('does not hold a rollback back', async () => {
    const stack = [level('1.1.0', NEW, '2026-06-02T00:00:00Z'), level('1.0.0', OLD, null)]
    const state = tenant({ current: holds('1.0.0', OLD, stack) })
    expect(await judged(0, 9, { state })).toMatchObject({ decision: 'allow', kind: 'rollback' })
  })
})
