import { beforeAll, describe, expect, it } from 'vitest'
import { planChanges } from '../../../controller/plan.ts'
import { governanceDigest } from '../../../controller/promotion/governance-files.ts'
import type { LedgerHead } from '../../../controller/promotion/head.ts'
import type { SignatureFile, WantedGovernance } from '../../../controller/promotion/wanted.ts'
import { governanceStatement } from '../../../runtime/trust/owner-approvals.ts'
import {
  approval,
  faq,
  headOf,
  holding,
  makePeople,
  observing,
  signatureFile,
  START,
  TEXTS,
  told,
  wantedTenant,
  type People,
} from '../../support/plan-world.ts'

const v1 = faq('1.0.0')
const revocation = { digest: v1.digest, reason: 'told a wrong fee', at: START.toISOString() }
const newRoles = new Map([...TEXTS, ['governance/roles.yaml', 'other roles']])
const digest12 = (texts: ReadonlyMap<string, string>) => governanceDigest(texts).slice(7, 19)

let people: People
beforeAll(async () => {
  people = await makePeople()
})

function signed(
  head: LedgerHead,
  texts: ReadonlyMap<string, string>,
  by: keyof People,
  seq = 0,
): Promise<SignatureFile> {
  const from = head.state.registry.governance?.digest ?? ''
  return signatureFile(
    [by, people[by]],
    governanceStatement({ registry: 'acme', from, to: governanceDigest(texts), seq }),
  )
}

const planned = (
  head: LedgerHead,
  governance: Partial<WantedGovernance>,
  tenants: Parameters<typeof observing>[1]['tenants'] = [],
) => planChanges(observing(head, { governance, tenants }), START)

describe('a change of governance', () => {
  it('is refused without an owner, and with somebody who is none', async () => {
    const head = headOf(people)
    const stranger = await signed(head, newRoles, 'cora')
    for (const files of [[], [stranger]]) {
      const plan = planned(head, { texts: newRoles, approvals: new Map([[digest12(newRoles), files]]) })
      expect(told(plan.decisions)).toEqual(['governance/roles.yaml deny GOVERNANCE_NOT_APPROVED'])
      expect(plan.next.governance.size).toBe(0)
    }
  })

  it('is in force with the approval of an owner, which names what it replaces', async () => {
    const head = headOf(people)
    const approvals = new Map([[digest12(newRoles), [await signed(head, newRoles, 'ben')]]])
    const plan = planned(head, { texts: newRoles, approvals })
    expect(told(plan.decisions)).toEqual(['governance/roles.yaml CHANGED'])
    expect(plan.decisions[0]?.people.approvers).toEqual(['ben'])
    expect([...plan.next.governance]).toEqual([['governance/roles.yaml', 'other roles']])
    expect(plan.next.registry.governance).toMatchObject({ digest: governanceDigest(newRoles), seq: 1 })
    expect(plan.next.registry.governance?.approvals).toHaveLength(1)
  })

  it('is refused with an approval from before the last change', async () => {
    const head = headOf(people)
    const approvals = new Map([[digest12(newRoles), [await signed(head, newRoles, 'ben', 7)]]])
    expect(told(planned(head, { texts: newRoles, approvals }).decisions)).toEqual([
      'governance/roles.yaml deny GOVERNANCE_NOT_APPROVED',
    ])
  })

  it('does not lend its authority to a promotion that comes with it', async () => {
    const head = headOf(people, {}, [v1])
    const cora = {
      principal: 'cora',
      namespaces: ['contractor-approval'],
      validAfter: null,
      validBefore: null,
      key: people.cora.publicKey,
    }
    const everyone = {
      ...head.state.roles,
      roles: [{ ...head.state.roles.roles[0]!, members: ['ana', 'ben', 'cora'] }],
    }
    const governance = {
      texts: newRoles,
      signers: { value: [...head.state.signers, cora] },
      roles: { value: everyone },
      approvals: new Map([[digest12(newRoles), [await signed(head, newRoles, 'ben')]]]),
    }
    const approvals = await approval(['cora', people.cora], head, 'shop', 'current', v1)
    const tenant = wantedTenant('shop', { ...holding({ candidate: v1, current: v1 }), approvals })
    expect(told(planned(head, governance, [tenant]).decisions)).toEqual([
      'governance/roles.yaml CHANGED',
      'tenants/shop CHANGED',
      'shop/candidate PROMOTED',
      'shop/current deny ROLE_MISSING',
    ])
  })

  it('that cannot be read holds back the rest of governance, and nothing else', async () => {
    const head = headOf(people, {}, [v1])
    const texts = new Map([...newRoles, ['registry.yaml', 'broken']])
    const finding = {
      gate: 'registry',
      code: 'YAML_INVALID',
      severity: 'error',
      line: 1,
      column: 1,
      message: '',
      hint: '',
    } as const
    const governance = {
      texts,
      registry: { findings: [{ ...finding, path: 'registry.yaml' }] },
      approvals: new Map([[digest12(texts), [await signed(head, texts, 'ben')]]]),
    }
    const plan = planned(head, governance, [wantedTenant('shop', holding({ candidate: v1 }))])
    expect(told(plan.decisions)).toEqual([
      'governance/roles.yaml deny GOVERNANCE_NOT_APPROVED',
      'registry.yaml deny YAML_INVALID',
      'tenants/shop CHANGED',
      'shop/candidate PROMOTED',
    ])
  })

  it('cannot rename the registry or lose a file that it needs', async () => {
    const head = headOf(people, { changes: { ...headOf(people).state.registry.rules.changes, governance: 0 } })
    const renamed = { ...head.state.registry.rules, registry: 'other' }
    const texts = new Map([...TEXTS, ['registry.yaml', 'renamed']])
    expect(told(planned(head, { texts, registry: { value: renamed } }).decisions)).toEqual([
      'registry.yaml deny FILE_INVALID',
    ])
    const without = new Map([...TEXTS].filter(([path]) => path !== 'governance/roles.yaml'))
    expect(told(planned(head, { texts: without }).decisions)).toEqual(['governance/roles.yaml deny FILE_INVALID'])
  })

  it('needs nobody where the rules in force say so', () => {
    const head = headOf(people, { changes: { governance: 0, keys: 0, limits: 0, unsuspend: 0, unrevoke: 0 } })
    expect(told(planned(head, { texts: newRoles }).decisions)).toEqual(['governance/roles.yaml CHANGED'])
  })
})

describe('a revocation', () => {
  const texts = new Map([...TEXTS, ['governance/revoked.yaml', 'revoked: one']])

  it('acts at once and without approval, also on what is promoted beside it', () => {
    const head = headOf(people, {}, [v1])
    const governance = { texts, revoked: { value: [revocation] } }
    const plan = planned(head, governance, [wantedTenant('shop', holding({ candidate: v1 }))])
    expect(told(plan.decisions)).toEqual([
      'governance/revoked.yaml CHANGED',
      'tenants/shop CHANGED',
      'shop/candidate deny BUNDLE_REVOKED',
    ])
    expect(plan.next.governance.get('governance/revoked.yaml')).toBe('revoked: one')
  })

  it('does not wait for a change of roles that nobody approved', () => {
    const both = new Map([...texts, ['governance/roles.yaml', 'other roles']])
    const plan = planned(headOf(people, {}, [v1]), { texts: both, revoked: { value: [revocation] } })
    expect(told(plan.decisions)).toEqual([
      'governance/revoked.yaml CHANGED',
      'governance/roles.yaml deny GOVERNANCE_NOT_APPROVED',
    ])
    const inForce = new Map([...TEXTS, ['governance/revoked.yaml', 'revoked: one']])
    expect(plan.next.registry.governance?.digest).toBe(governanceDigest(inForce))
  })

  it('is taken back by owners only', async () => {
    const before = headOf(people, {}, [v1])
    const head = {
      ...before,
      state: {
        ...before.state,
        revoked: [revocation],
        governance: new Map([...before.state.governance, ['governance/revoked.yaml', 'revoked: one']]),
      },
    }
    const free = { revoked: { value: [] } }
    expect(told(planned(head, free).decisions)).toEqual(['governance/revoked.yaml deny GOVERNANCE_NOT_APPROVED'])
    const approvals = new Map([[digest12(TEXTS), [await signed(head, TEXTS, 'ana')]]])
    expect(told(planned(head, { ...free, approvals }).decisions)).toEqual(['governance/revoked.yaml CHANGED'])
  })

  it('that takes back another keeps the other until owners approved', () => {
    const other = { ...revocation, digest: `sha256:${'f'.repeat(64)}` }
    const before = headOf(people, {}, [v1])
    const governance = new Map([...before.state.governance, ['governance/revoked.yaml', 'revoked: other']])
    const head = { ...before, state: { ...before.state, revoked: [other], governance } }
    const plan = planned(head, { texts, revoked: { value: [revocation] } })
    expect(told(plan.decisions)).toEqual(['governance/revoked.yaml CHANGED'])
    const text = plan.next.governance.get('governance/revoked.yaml')
    expect(text).toContain(other.digest)
    expect(text).toContain(revocation.digest)
  })
})
