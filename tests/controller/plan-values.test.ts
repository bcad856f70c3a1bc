import { beforeAll, describe, expect, it } from 'vitest'
import type { ValuesProblem } from '../../controller/gates/values.ts'
import { planChanges } from '../../controller/plan.ts'
import type { LedgerHead } from '../../controller/promotion/head.ts'
import type { ValuesRequest, ValuesVerdicts } from '../../controller/promotion/values-verdicts.ts'
import { valuesDigest } from '../../runtime/tenants/values-digest.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import {
  approval,
  faq,
  headAfter,
  headOf,
  holding,
  makePeople,
  observing,
  START,
  told,
  wantedTenant,
  type People,
} from '../support/plan-world.ts'

const v1 = faq('1.0.0')
const v2 = faq('1.1.0')
const old = { phone: '1' }
const fresh = { phone: '2' }

let people: People
beforeAll(async () => {
  people = await makePeople()
})

const wrong: ValuesProblem[] = [{ code: 'FILE_INVALID', pointer: ['phone'], message: '/phone is wrong.' }]

/** Verdicts by bundle version and phone; what is not named is not known yet. */
function known(verdicts: Record<string, readonly ValuesProblem[]>): ValuesVerdicts {
  return ({ seal, values }: ValuesRequest) => verdicts[`${seal.version} ${String(values['phone'])}`] ?? null
}

const everything = known({ '1.0.0 1': [], '1.0.0 2': [], '1.1.0 1': [], '1.1.0 2': [] })

type Asks = { candidate?: SealRecord; current?: SealRecord; values?: Values; approved?: SealRecord }

async function plan(head: LedgerHead, { candidate, current, values = {}, approved }: Asks, verdicts: ValuesVerdicts) {
  const approvals =
    approved === undefined ? new Map() : await approval(['ben', people.ben], head, 'shop', 'current', approved)
  const aliases = { ...(candidate && { candidate }), ...(current && { current }) }
  const tenant = wantedTenant('shop', { ...holding(aliases), values: { value: values }, approvals })
  return planChanges(observing(head, { tenants: [tenant] }, { values: verdicts }), START)
}

/** Shop runs 1.0.0 with these values. */
async function running(values: Values): Promise<LedgerHead> {
  const head = headOf(people, {}, [v1, v2])
  const first = await plan(head, { candidate: v1, current: v1, values, approved: v1 }, everything)
  expect(told(first.decisions)).toEqual(['tenants/shop CHANGED', 'shop/candidate PROMOTED', 'shop/current PROMOTED'])
  return headAfter(head, first)
}

const missing = ({ next }: Awaited<ReturnType<typeof plan>>) =>
  [...next.unjudged.values()].map(({ seal, values }) => `${seal.version} ${String(values['phone'])}`).sort()

describe('a promotion with values', () => {
  const moves = { candidate: v2, current: v2, values: old, approved: v2 }

  it('waits until they are judged with the bundle, and names what is missing', async () => {
    const waiting = await plan(await running(old), moves, known({}))
    expect(told(waiting.decisions)).toEqual([])
    expect(missing(waiting)).toEqual(['1.1.0 1'])
  })

  it('is refused where they do not fit the bundle', async () => {
    const refused = await plan(await running(old), moves, known({ '1.0.0 1': [], '1.1.0 1': wrong }))
    expect(told(refused.decisions)).toEqual(['shop/candidate deny FILE_INVALID', 'shop/current deny NOT_CANDIDATE'])
    expect(refused.decisions[0]!.message).toContain('/phone is wrong')
  })

  it('goes through where they fit, and names their digest', async () => {
    const passed = await plan(await running(old), moves, known({ '1.1.0 1': [] }))
    expect(told(passed.decisions)).toEqual(['shop/candidate PROMOTED', 'shop/current PROMOTED'])
    expect(passed.decisions.map(({ values }) => values)).toEqual([valuesDigest(old), valuesDigest(old)])
  })

  it('is not helped by what is known of other values, or of another bundle', async () => {
    const other = await plan(await running(old), moves, known({ '1.1.0 2': [], '1.0.0 1': [] }))
    expect(told(other.decisions)).toEqual([])
  })

  it('asks nothing where the tenant takes the defaults, which the gates of the bundle ran with', async () => {
    const passed = await plan(await running({}), { ...moves, values: {} }, known({}))
    expect(told(passed.decisions)).toEqual(['shop/candidate PROMOTED', 'shop/current PROMOTED'])
    expect(passed.decisions[0]).not.toHaveProperty('values')
  })
})

describe('a change of values alone', () => {
  const changes = { candidate: v1, current: v1, values: fresh }

  it('waits until it is judged', async () => {
    const waiting = await plan(await running(old), changes, known({ '1.0.0 1': [] }))
    expect(told(waiting.decisions)).toEqual([])
    expect(waiting.next.tenants.get('shop')?.values ?? old).toEqual(old)
    expect(missing(waiting)).toEqual(['1.0.0 2'])
  })

  it('is refused where the bundle does not take them, and what is in force stays', async () => {
    const refused = await plan(await running(old), changes, known({ '1.0.0 2': wrong }))
    expect(told(refused.decisions)).toEqual(['tenants/shop/values.yaml deny FILE_INVALID'])
    expect(refused.decisions[0]!.values).toBe(valuesDigest(fresh))
    expect(refused.next.tenants.has('shop')).toBe(false)
  })

  it('acts where it fits', async () => {
    const passed = await plan(await running(old), changes, known({ '1.0.0 2': [] }))
    expect(told(passed.decisions)).toEqual(['tenants/shop CHANGED'])
    expect(passed.decisions[0]!.values).toBe(valuesDigest(fresh))
    expect(passed.next.tenants.get('shop')?.values).toEqual(fresh)
  })

  it('back to the defaults asks nothing', async () => {
    const passed = await plan(await running(old), { candidate: v1, current: v1, values: {} }, known({}))
    expect(told(passed.decisions)).toEqual(['tenants/shop CHANGED'])
  })
})

describe('values and a promotion in one commit', () => {
  const both = { candidate: v2, current: v2, values: fresh, approved: v2 }
  const onlyTogether = known({ '1.0.0 1': [], '1.0.0 2': wrong, '1.1.0 1': wrong, '1.1.0 2': [] })

  it('act together where neither fits without the other', async () => {
    const passed = await plan(await running(old), both, onlyTogether)
    expect(told(passed.decisions)).toEqual(['tenants/shop CHANGED', 'shop/candidate PROMOTED', 'shop/current PROMOTED'])
  })

  it('are both refused where the promotion lacks its approval', async () => {
    const { approved: _, ...unapproved } = both
    const refused = await plan(await running(old), unapproved, onlyTogether)
    expect(told(refused.decisions)).toEqual([
      'tenants/shop/values.yaml deny FILE_INVALID',
      'shop/candidate deny FILE_INVALID',
      'shop/current deny NOT_CANDIDATE',
    ])
  })

  it('are both refused where the values are wrong for the new bundle, though it takes the old ones', async () => {
    const verdicts = known({ '1.0.0 1': [], '1.0.0 2': wrong, '1.1.0 1': [], '1.1.0 2': wrong })
    const refused = await plan(await running(old), both, verdicts)
    expect(told(refused.decisions).slice(0, 2)).toEqual([
      'tenants/shop/values.yaml deny FILE_INVALID',
      'shop/candidate deny FILE_INVALID',
    ])
    expect(refused.next.tenants.has('shop')).toBe(false)
  })

  it('both wait while one of the two is not known', async () => {
    const waiting = await plan(await running(old), both, known({ '1.0.0 1': [], '1.0.0 2': [] }))
    expect(told(waiting.decisions)).toEqual([])
    expect(missing(waiting)).toContain('1.1.0 2')
  })
})

describe('a rollback', () => {
  it('waits behind no values', async () => {
    const before = await running(old)
    const up = await plan(before, { candidate: v2, current: v2, values: old, approved: v2 }, everything)
    const back = await plan(headAfter(before, up), { candidate: v1, current: v1, values: old }, known({}))
    expect(told(back.decisions)).toEqual(['shop/candidate ROLLED_BACK', 'shop/current ROLLED_BACK'])
  })

  it('goes first where its values are not judged yet', async () => {
    const before = await running(old)
    const up = await plan(before, { candidate: v2, current: v2, values: fresh, approved: v2 }, everything)
    const back = await plan(headAfter(before, up), { candidate: v1, current: v1, values: old }, known({}))
    expect(told(back.decisions)).toEqual(['shop/candidate ROLLED_BACK', 'shop/current ROLLED_BACK'])
    expect(missing(back)).toEqual(['1.0.0 1'])
  })
})

it('values that cannot be read refuse a promotion', async () => {
  const head = await running(old)
  const finding = { gate: 'registry', code: 'YAML_INVALID', severity: 'error', path: 'x', line: 1, column: 1 } as const
  const values = { findings: [{ ...finding, message: 'broken', hint: 'mend it' }] }
  const tenant = wantedTenant('shop', { ...holding({ candidate: v2, current: v1 }), values })
  const refused = planChanges(observing(head, { tenants: [tenant] }, { values: everything }), START)
  expect(told(refused.decisions)).toEqual([
    'tenants/shop/values.yaml deny YAML_INVALID',
    'shop/candidate deny YAML_INVALID',
  ])
})
