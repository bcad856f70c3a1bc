import { beforeAll, describe, expect, it } from 'vitest'
import { planChanges } from '../../controller/plan.ts'
import type { LedgerHead } from '../../controller/promotion/head.ts'
import { mainStatement } from '../../runtime/trust/owner-approvals.ts'
import type { Finding } from '../../schemas/finding.ts'
import {
  approval,
  faq,
  GENESIS,
  headAfter,
  headOf,
  holding,
  makePeople,
  observing,
  signatureFile,
  START,
  TIP,
  told,
  wantedTenant,
  type People,
  type Wants,
} from '../support/plan-world.ts'

const v1 = faq('1.0.0')
const v2 = faq('1.1.0')
const DAY = 86_400_000
const later = (days: number) => new Date(START.getTime() + days * DAY)
const broken = (path: string): Finding => ({
  gate: 'registry',
  code: 'YAML_INVALID',
  severity: 'error',
  path,
  line: 3,
  column: 7,
  message: 'broken',
  hint: 'mend it',
})

let people: People
beforeAll(async () => {
  people = await makePeople()
})

/** A head whose tenant `shop` holds `v1` as candidate and current. */
async function runningV1(): Promise<LedgerHead> {
  const head = headOf(people, {}, [v1, v2])
  const approvals = await approval(['ben', people.ben], head, 'shop', 'current', v1)
  const plan = planChanges(observing(head, shop({ candidate: v1, current: v1 }, { approvals })), START)
  expect(told(plan.decisions)).toEqual(['tenants/shop CHANGED', 'shop/candidate PROMOTED', 'shop/current PROMOTED'])
  return headAfter(head, plan)
}

const shop = (aliases: Parameters<typeof holding>[0], changes: Parameters<typeof wantedTenant>[1] = {}): Wants => ({
  tenants: [wantedTenant('shop', { ...holding(aliases), ...changes })],
})

describe('a promotion', () => {
  it('goes through draft, candidate and current in one entry, each seeing the one before', async () => {
    const head = headOf(people, {}, [v1])
    const approvals = await approval(['ben', people.ben], head, 'shop', 'current', v1)
    const wants = shop({ current: v1, candidate: v1, draft: v1 }, { approvals })
    const { decisions } = planChanges(observing(head, wants), START)
    expect(told(decisions)).toEqual([
      'tenants/shop CHANGED',
      'shop/draft PROMOTED',
      'shop/candidate PROMOTED',
      'shop/current PROMOTED',
    ])
  })

  it('to current is refused without its approval, while the candidate moves', async () => {
    const head = await runningV1()
    const plan = planChanges(observing(head, shop({ candidate: v2, current: v2 })), START)
    expect(told(plan.decisions)).toEqual(['shop/candidate PROMOTED', 'shop/current deny APPROVAL_MISSING'])
    expect(plan.next.tenants.get('shop')?.aliases.current?.version).toBe('1.0.0')
  })

  it('is refused when only its author approved it', async () => {
    const head = headOf(people, {}, [{ ...v1, authors: ['ben'] }])
    const approvals = await approval(['ben', people.ben], head, 'shop', 'current', v1)
    const plan = planChanges(observing(head, shop({ candidate: v1, current: v1 }, { approvals })), START)
    expect(told(plan.decisions)).toContain('shop/current deny APPROVAL_BY_AUTHOR')
  })

  it('is refused when an author is nobody whom roles.yaml knows, whoever approved it', async () => {
    const head = headOf(people, {}, [{ ...v1, authors: ['stranger@example.org'] }])
    const approvals = await approval(['ben', people.ben], head, 'shop', 'current', v1)
    const plan = planChanges(observing(head, shop({ candidate: v1, current: v1 }, { approvals })), START)
    expect(told(plan.decisions)).toContain('shop/current deny AUTHOR_UNMAPPED')
  })

  it('is refused with an approval of the same digest for another tenant', async () => {
    const head = headOf(people, {}, [v1])
    const approvals = await approval(['ben', people.ben], head, 'other', 'current', v1)
    const plan = planChanges(observing(head, shop({ candidate: v1, current: v1 }, { approvals })), START)
    expect(told(plan.decisions)).toContain('shop/current deny APPROVAL_INVALID')
  })

  it('waits until the candidate has soaked, and says until when', () => {
    const current = { from: 'candidate', approvals: 0, soak: 'P1D' } as const
    const head = headOf(people, { promotion: { candidate: { approvals: 0 }, current } }, [v1])
    const plan = planChanges(observing(head, shop({ candidate: v1, current: v1 })), START)
    expect(told(plan.decisions)).toContain('shop/current wait SOAKING')
    expect(plan.wakeAt).toEqual(later(1))
    const soaked = headAfter(head, plan)
    const again = observing(soaked, shop({ candidate: v1, current: v1 }), { standing: plan.standing })
    expect(told(planChanges(again, later(0.5)).decisions)).toEqual([])
    expect(told(planChanges(again, later(1)).decisions)).toEqual(['shop/current PROMOTED'])
  })

  it('of a version that nobody sealed is refused, and waits while its gates run', async () => {
    const head = await runningV1()
    const wants = shop({ candidate: faq('9.0.0'), current: v1 })
    expect(told(planChanges(observing(head, wants), START).decisions)).toEqual(['shop/candidate deny NOT_SEALED'])
    const pending = { ...wants, bundles: { faq: { kind: 'pending', version: null } } } as const
    expect(told(planChanges(observing(head, pending), START).decisions)).toEqual([])
  })

  it('of a draft follows the version without a digest', () => {
    const head = headOf(people, {}, [v1, v2])
    const draft = (version: string) => ({ aliases: { draft: { value: { bundle: 'faq', version } } } })
    const first = planChanges(observing(head, { tenants: [wantedTenant('shop', draft('1.0.0'))] }), START)
    expect(first.next.tenants.get('shop')?.aliases.draft?.digest).toBe(v1.digest)
    const after = headAfter(head, first)
    const same = planChanges(observing(after, { tenants: [wantedTenant('shop', draft('1.0.0'))] }), START)
    expect(told(same.decisions)).toEqual([])
    const moved = planChanges(observing(after, { tenants: [wantedTenant('shop', draft('3.0.0'))] }), START)
    expect(told(moved.decisions)).toEqual(['shop/draft deny NOT_SEALED'])
  })
})

describe('a rollback', () => {
  async function runningV2(): Promise<LedgerHead> {
    const head = await runningV1()
    const approvals = await approval(['ben', people.ben], head, 'shop', 'current', v2)
    const plan = planChanges(observing(head, shop({ candidate: v2, current: v2 }, { approvals })), later(1))
    return headAfter(head, plan)
  }

  it('needs no approval within its time, and pops the stack', async () => {
    const head = await runningV2()
    const plan = planChanges(observing(head, shop({ candidate: v1, current: v1 })), later(2))
    expect(told(plan.decisions)).toEqual(['shop/candidate ROLLED_BACK', 'shop/current ROLLED_BACK'])
    const current = plan.next.tenants.get('shop')?.aliases.current
    expect(current?.stack).toEqual([{ bundle: 'faq', version: '1.0.0', digest: v1.digest, seq: 1, until: null }])
    expect(current).toMatchObject({ from: v2.digest, approvals: [], seq: 3 })
  })

  it('does not wait behind the gates of a newer bundle', async () => {
    const head = await runningV2()
    const wants: Wants = {
      ...shop({ candidate: v1, current: v1 }),
      bundles: { faq: { kind: 'pending', version: null } },
    }
    expect(told(planChanges(observing(head, wants), later(2)).decisions)).toContain('shop/current ROLLED_BACK')
  })

  it('after its time is a promotion like any other', async () => {
    const head = await runningV2()
    const plan = planChanges(observing(head, shop({ candidate: v1, current: v1 })), later(40))
    expect(told(plan.decisions)).toEqual(['shop/candidate PROMOTED', 'shop/current deny APPROVAL_MISSING'])
  })

  it('to a revoked digest is refused', async () => {
    const head = await runningV2()
    const revoked = {
      ...head,
      state: { ...head.state, revoked: [{ digest: v1.digest, reason: 'bad', at: START.toISOString() }] },
    }
    const plan = planChanges(observing(revoked, shop({ candidate: v1, current: v1 })), later(2))
    expect(told(plan.decisions)).toEqual(['shop/candidate deny BUNDLE_REVOKED', 'shop/current deny BUNDLE_REVOKED'])
  })

  it('that is reverted is a promotion, which the approval of before does not cover', async () => {
    const before = await runningV1()
    const old = await approval(['ben', people.ben], before, 'shop', 'current', v2)
    const head = await runningV2()
    const back = headAfter(head, planChanges(observing(head, shop({ candidate: v1, current: v1 })), later(2)))
    const replayed = planChanges(observing(back, shop({ candidate: v2, current: v2 }, { approvals: old })), later(3))
    expect(told(replayed.decisions)).toEqual(['shop/candidate PROMOTED', 'shop/current deny APPROVAL_INVALID'])
    const fresh = await approval(['ben', people.ben], back, 'shop', 'current', v2)
    const signed = planChanges(observing(back, shop({ candidate: v2, current: v2 }, { approvals: fresh })), later(3))
    expect(told(signed.decisions)).toEqual(['shop/candidate PROMOTED', 'shop/current PROMOTED'])
  })
})

describe('one entry', () => {
  it('carries nine changes of ten when one is refused', () => {
    const head = headOf(people, {}, [v1])
    const names = Array.from({ length: 10 }, (_, index) => `tenant-${index}`)
    const tenants = names.map((name, index) =>
      wantedTenant(name, holding({ candidate: index === 4 ? faq('7.0.0') : v1 })),
    )
    const { decisions, next } = planChanges(observing(head, { tenants }), START)
    expect(decisions.filter(({ reason_code }) => reason_code === 'PROMOTED')).toHaveLength(9)
    expect(told(decisions)).toContain('tenant-4/candidate deny NOT_SEALED')
    expect(next.tenants.get('tenant-4')?.aliases).toEqual({})
  })

  it('says nothing twice, and says it again once the difference was gone', async () => {
    const head = await runningV1()
    const wants = shop({ candidate: v1, current: v2 })
    const first = planChanges(observing(head, wants), START)
    expect(told(first.decisions)).toEqual(['shop/current deny NOT_CANDIDATE'])
    const refused = headAfter(head, first)
    const again = planChanges(observing(refused, wants, { standing: first.standing }), later(1))
    expect(told(again.decisions)).toEqual([])
    const mended = planChanges(
      observing(refused, shop({ candidate: v1, current: v1 }), { standing: again.standing }),
      later(2),
    )
    expect(mended.standing.size).toBe(0)
    const back = planChanges(observing(refused, wants, { standing: mended.standing }), later(3))
    expect(told(back.decisions)).toEqual(['shop/current deny NOT_CANDIDATE'])
  })

  it('keeps what was said about a subject while its gates run', async () => {
    const head = await runningV1()
    const wants = shop({ candidate: faq('9.0.0'), current: v1 })
    const { standing } = planChanges(observing(head, wants), START)
    const pending: Wants = { ...wants, bundles: { faq: { kind: 'pending', version: null } } }
    const during = planChanges(observing(head, pending, { standing }), START)
    expect([...during.standing.keys()]).toEqual(['shop/candidate'])
  })

  it('takes at most 500 decisions, and the next one the rest', () => {
    const head = headOf(people, {}, [v1])
    const tenants = Array.from({ length: 400 }, (_, index) =>
      wantedTenant(`t-${String(index).padStart(3, '0')}`, holding({ candidate: v1 })),
    )
    const first = planChanges(observing(head, { tenants }), START)
    expect(first.decisions).toHaveLength(500)
    const second = planChanges(observing(headAfter(head, first), { tenants }), START)
    expect(second.decisions).toHaveLength(300)
    const third = planChanges(observing(headAfter(headAfter(head, first), second), { tenants }), START)
    expect(third.decisions).toHaveLength(0)
  })

  it('lets a rollback go before any flood of other changes', async () => {
    const before = await runningV1()
    const approvals = await approval(['ben', people.ben], before, 'shop', 'current', v2)
    const ahead = shop({ candidate: v2, current: v2 }, { approvals })
    const head = headAfter(before, planChanges(observing(before, ahead), START))
    const flood = Array.from({ length: 600 }, (_, index) => wantedTenant(`a-${index}`, holding({ candidate: v1 })))
    const bundles = Object.fromEntries(
      Array.from({ length: 600 }, (_, index) => [
        `b-${index}`,
        { kind: 'unreadable', findings: [broken(`bundles/b-${index}`)] } as const,
      ]),
    )
    const wants = { tenants: [...flood, ...shop({ candidate: v1, current: v1 }).tenants!], bundles }
    const { decisions } = planChanges(observing(head, wants), later(1))
    expect(told(decisions)).toContain('shop/current ROLLED_BACK')
    expect(decisions).toHaveLength(500)
  })

  it('keeps what stands while main is not to be believed', async () => {
    const head = await runningV1()
    const first = planChanges(observing(head, shop({ candidate: v1, current: v2 })), START)
    const main = { kind: 'rewritten', tip: '9'.repeat(40), acceptances: [] } as const
    const halted = planChanges(observing(head, {}, { main, standing: first.standing }), START)
    expect([...halted.standing.keys()].sort()).toEqual(['main', 'shop/current'])
  })

  it('names the commits that it passed over', async () => {
    const covers = ['3'.repeat(40), '4'.repeat(40)]
    const head = await runningV1()
    const main = { kind: 'descends', tip: TIP, covers } as const
    const plan = planChanges(observing(head, shop({ candidate: v2, current: v1 }), { main }), START)
    expect(plan).toMatchObject({ covers, next: { source: TIP } })
  })

  it('is never dated before the entry before, whatever the clock says', async () => {
    const head = await runningV1()
    const plan = planChanges(observing(head, shop({ candidate: v2, current: v1 })), new Date('2020-01-01T00:00:00Z'))
    expect(plan.next.now).toEqual(START)
  })
})

describe('a malformed file', () => {
  it('keeps what is in force, and is told with its place', async () => {
    const head = await runningV1()
    const tenant = wantedTenant('shop', {
      ...holding({ candidate: v1, current: v1 }),
      settings: { findings: [broken('tenants/shop/tenant.yaml')] },
      keys: { findings: [broken('tenants/shop/keys.yaml')] },
    })
    const plan = planChanges(observing(head, { tenants: [tenant] }), START)
    expect(told(plan.decisions)).toEqual(['tenants/shop deny YAML_INVALID', 'tenants/shop/keys.yaml deny YAML_INVALID'])
    expect(plan.decisions[0]?.message).toContain('tenants/shop/tenant.yaml:3:7')
    expect(plan.next.tenants.size).toBe(0)
  })

  it('of an alias does not empty it', async () => {
    const head = await runningV1()
    const candidate = { findings: [broken('tenants/shop/aliases/candidate.yaml')] }
    const tenant = wantedTenant('shop', { aliases: { ...holding({ current: v1 }).aliases, candidate } })
    const plan = planChanges(observing(head, { tenants: [tenant] }), START)
    expect(told(plan.decisions)).toEqual(['shop/candidate deny YAML_INVALID'])
    expect(plan.next.tenants.size).toBe(0)
  })

  it('of one tenant does not hold back another', async () => {
    const head = await runningV1()
    const tenants = [
      { name: 'shop', findings: [broken('tenants/shop')] } as never,
      wantedTenant('bank', holding({ candidate: v1 })),
    ]
    const plan = planChanges(observing(head, { tenants }), START)
    expect(told(plan.decisions)).toEqual([
      'tenants/bank CHANGED',
      'tenants/shop deny YAML_INVALID',
      'bank/candidate PROMOTED',
    ])
  })

  it('in the place of the folder of tenants removes nobody', async () => {
    const head = await runningV1()
    const unreadable = [{ subject: 'tenants', findings: [broken('tenants')] }]
    const plan = planChanges(observing(head, { tenants: null, unreadable }), START)
    expect(told(plan.decisions)).toEqual(['tenants deny YAML_INVALID'])
  })

  it('with a name that nobody can see is told as text that can be seen', () => {
    const unreadable = [{ subject: 'tenants/\u202eevil\ud800', findings: [broken(`tenants/${'x'.repeat(9_000)}\n\0`)] }]
    const [decision] = planChanges(observing(headOf(people), { unreadable }), START).decisions
    expect(decision?.subject).toBe('tenants/\ufffdevil\ufffd')
    expect(decision?.message.length).toBeLessThanOrEqual(4_000)
  })
})

describe('main', () => {
  it('that was rewritten halts everything, and says so once', async () => {
    const head = await runningV1()
    const main = { kind: 'rewritten', tip: '9'.repeat(40), acceptances: [] } as const
    const first = planChanges(observing(head, shop({ candidate: v2, current: v1 }), { main }), START)
    expect(told(first.decisions)).toEqual(['main wait MAIN_REWRITTEN'])
    expect(first.next.source).toBe(TIP)
    const { standing } = first
    expect(planChanges(observing(head, shop({ candidate: v2 }), { main, standing }), START).decisions).toEqual([])
  })

  it('that was rewritten goes on from the commit that an owner accepted', async () => {
    const head = headOf(people, {}, [v1])
    const statement = mainStatement({ registry: 'acme', from: GENESIS, to: '3'.repeat(40) })
    const byOwner = await signatureFile(['ben', people.ben], statement)
    const byOther = await signatureFile(['cora', people.cora], statement)
    const accepting = (approvals: (typeof byOwner)[]) =>
      planChanges(
        observing(head, shop({ candidate: v1 }), {
          main: { kind: 'rewritten', tip: TIP, acceptances: [{ commit: '3'.repeat(40), approvals }] },
        }),
        START,
      )
    expect(told(accepting([byOther]).decisions)).toEqual(['main wait MAIN_REWRITTEN'])
    expect(told(accepting([byOwner]).decisions)).toEqual([
      'main CHANGED',
      'tenants/shop CHANGED',
      'shop/candidate PROMOTED',
    ])
    expect(accepting([byOwner]).next.source).toBe(TIP)
  })

  it('that is damaged is refused, and changes nothing', async () => {
    const head = await runningV1()
    const main = { kind: 'unreadable', findings: [{ ...broken('main'), code: 'OBJECT_CORRUPT' }] } as const
    const plan = planChanges(
      { head, main, wanted: null, standing: new Map(), comparisons: null, values: () => [] },
      START,
    )
    expect(told(plan.decisions)).toEqual(['main deny OBJECT_CORRUPT'])
    expect(plan.next).toMatchObject({ source: head.entry.source, tenants: new Map() })
  })

  it('that is gone halts everything', async () => {
    const head = await runningV1()
    const main = { kind: 'rewritten', tip: null, acceptances: [] } as const
    expect(
      told(
        planChanges({ head, main, wanted: null, standing: new Map(), comparisons: null, values: () => [] }, START)
          .decisions,
      ),
    ).toEqual(['main wait MAIN_REWRITTEN'])
  })
})

it('decides nothing about a candidate before it is known what Runtimes reported of it', async () => {
  const before = await runningV1()
  const rule = { from: 'candidate' as const, approvals: 1, shadow: { comparisons: 1, differences: 0 } }
  const { rules } = before.state.registry
  const registry = { ...before.state.registry, rules: { ...rules, promotion: { ...rules.promotion, current: rule } } }
  const head = { ...before, state: { ...before.state, registry } }
  const approvals = await approval(['ben', people.ben], head, 'shop', 'current', v2)
  const wants = shop({ candidate: v2, current: v2 }, { approvals })
  const early = planChanges(observing(head, wants, { comparisons: null }), START)
  expect(told(early.decisions)).toEqual(['shop/candidate PROMOTED'])
  const late = planChanges(observing(head, wants), START)
  expect(told(late.decisions)).toContain('shop/current wait SHADOW_PENDING')
  const comparisons = () => ({ agreed: 1, differed: 0 })
  expect(told(planChanges(observing(head, wants, { comparisons }), START).decisions)).toContain('shop/current PROMOTED')
})
