import { beforeAll, describe, expect, it } from 'vitest'
import { planChanges } from '../../../controller/plan.ts'
import type { LedgerHead } from '../../../controller/promotion/head.ts'
import { settingsDigest, settingsOf } from '../../../controller/promotion/settings.ts'
import type { WantedTenant } from '../../../controller/promotion/wanted.ts'
import { tenantStatement } from '../../../runtime/trust/owner-approvals.ts'
import type { TenantState } from '../../../schemas/ledger/state.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'
import type { ApiKey, Tenant } from '../../../schemas/registry/tenant.ts'
import {
  faq,
  headAfter,
  headOf,
  holding,
  makePeople,
  observing,
  signatureFile,
  START,
  told,
  wantedTenant,
  type People,
} from '../../support/plan-world.ts'

const v1 = faq('1.0.0')
const strict: Registry['changes'] = {
  governance: 'owners',
  keys: 1,
  limits: 1,
  unsuspend: 'owners',
  unrevoke: 'owners',
}
const key: ApiKey = { id: 'main', sha256: 'a'.repeat(64), scopes: ['execute', 'explain'] }

let people: People
beforeAll(async () => {
  people = await makePeople()
})

const planned = (head: LedgerHead, ...tenants: WantedTenant[]) => planChanges(observing(head, { tenants }), START)

/** A head with the tenant `shop`, as an owner of a strict registry let it in. */
function withShop(changes: Partial<TenantState> = {}, rules: Registry['changes'] = strict): LedgerHead {
  const free = headOf(people, {}, [v1])
  const made = headAfter(free, planned(free, wantedTenant('shop', holding({ candidate: v1 }))))
  const shop = { ...made.state.tenants.get('shop')!, ...changes }
  const registry = { ...made.state.registry, rules: { ...made.state.registry.rules, changes: rules } }
  return { ...made, state: { ...made.state, registry, tenants: new Map([['shop', shop]]) } }
}

const shop = (changes: Partial<WantedTenant> = {}, settings: Partial<Tenant> = {}) =>
  wantedTenant('shop', { ...holding({ candidate: v1 }), ...changes }, settings)

/** The tenant as it is asked for, with the signature of an owner on exactly this change. */
async function approved(head: LedgerHead, wanted: WantedTenant, asked: Partial<TenantState>, by: keyof People = 'ben') {
  const before = head.state.tenants.get('shop')!
  const to = settingsDigest({ ...settingsOf(before), ...asked })
  const from = settingsDigest(settingsOf(before))
  const statement = tenantStatement({ registry: 'acme', tenant: 'shop', from, to, seq: before.seq ?? 0 })
  const approvals = new Map([[`tenant/${to.slice(7, 19)}`, [await signatureFile([by, people[by]], statement)]]])
  return { ...wanted, approvals }
}

describe('a tenant', () => {
  it('changes its labels freely', () => {
    const plan = planned(withShop(), shop({}, { labels: { country: 'br' } }))
    expect(told(plan.decisions)).toEqual(['tenants/shop CHANGED'])
    expect(plan.next.tenants.get('shop')).toMatchObject({ labels: { country: 'br' }, seq: 2 })
    expect(plan.next.tenants.get('shop')?.aliases.candidate?.version).toBe('1.0.0')
  })

  it('is suspended at once, whatever else its files ask for without approval', () => {
    const plan = planned(
      withShop(),
      shop({ keys: { value: [key] } }, { status: 'suspended', limits: { execute_per_minute: 9 } }),
    )
    expect(told(plan.decisions)).toEqual(['tenants/shop CHANGED'])
    expect(plan.next.tenants.get('shop')).toMatchObject({ status: 'suspended', keys: [], limits: {} })
  })

  it('gets new keys only with the approval of an owner', async () => {
    const head = withShop()
    const wanted = shop({ keys: { value: [key] } })
    expect(told(planned(head, wanted).decisions)).toEqual(['tenants/shop deny GOVERNANCE_NOT_APPROVED'])
    const byOther = await approved(head, wanted, { keys: [key] }, 'cora')
    expect(told(planned(head, byOther).decisions)).toEqual(['tenants/shop deny GOVERNANCE_NOT_APPROVED'])
    const plan = planned(head, await approved(head, wanted, { keys: [key] }))
    expect(told(plan.decisions)).toEqual(['tenants/shop CHANGED'])
    expect(plan.decisions[0]?.people.approvers).toEqual(['ben'])
  })

  it('loses keys, scopes and time without any approval', () => {
    const head = withShop({ keys: [key] })
    for (const keys of [
      [],
      [{ ...key, revoked: true }],
      [{ ...key, scopes: ['execute' as const] }],
      [{ ...key, expires_at: '2026-02-01T00:00:00Z' }],
    ])
      expect(told(planned(head, shop({ keys: { value: keys } })).decisions)).toEqual(['tenants/shop CHANGED'])
    const wider = [{ ...key, scopes: [...key.scopes, 'status' as const] }]
    expect(told(planned(head, shop({ keys: { value: wider } })).decisions)).toEqual([
      'tenants/shop deny GOVERNANCE_NOT_APPROVED',
    ])
  })

  it('is resumed by owners only, and not by the approval of an earlier suspension', async () => {
    const head = withShop({ status: 'suspended', seq: 5 })
    expect(told(planned(head, shop()).decisions)).toEqual(['tenants/shop deny GOVERNANCE_NOT_APPROVED'])
    const wanted = await approved(head, shop(), { status: 'active' })
    expect(told(planned(head, wanted).decisions)).toEqual(['tenants/shop CHANGED'])
    expect(told(planned(withShop({ status: 'suspended', seq: 9 }), wanted).decisions)).toEqual([
      'tenants/shop deny GOVERNANCE_NOT_APPROVED',
    ])
  })

  it('stays while it is active, and goes when it is suspended', () => {
    expect(told(planned(withShop()).decisions)).toEqual(['tenants/shop deny TENANT_ACTIVE'])
    const plan = planned(withShop({ status: 'suspended' }))
    expect(told(plan.decisions)).toEqual(['tenants/shop CHANGED'])
    expect(plan.next.tenants.get('shop')).toBeNull()
  })

  it('does not lose its current while it is active, and may lose its candidate', () => {
    const head = withShop()
    const state = head.state.tenants.get('shop')!
    const both = {
      ...head,
      state: {
        ...head.state,
        tenants: new Map([['shop', { ...state, aliases: { ...state.aliases, current: state.aliases.candidate! } }]]),
      },
    }
    expect(told(planned(both, wantedTenant('shop')).decisions)).toEqual([
      'shop/candidate CHANGED',
      'shop/current deny TENANT_ACTIVE',
    ])
  })

  it('that is unknown gives its aliases nothing to stand on', () => {
    const settings = { findings: [] }
    const plan = planned(headOf(people, {}, [v1]), wantedTenant('shop', { ...holding({ candidate: v1 }), settings }))
    expect(told(plan.decisions)).toEqual(['tenants/shop deny FILE_INVALID', 'shop/candidate deny TENANT_UNKNOWN'])
  })
})
