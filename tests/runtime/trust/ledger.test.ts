import { beforeEach, describe, expect, it } from 'vitest'
import type { TenantState } from '../../../schemas/ledger/state.ts'
import { verifyLedger, type VerifiedLedger } from '../../../runtime/trust/ledger.ts'
import { formatStateFile, keysetPath, REGISTRY_PATH, tenantPath } from '../../../runtime/trust/state-files.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'
import { faultReason } from '../../support/fault-reason.ts'
import {
  buildLedger,
  newTenant,
  RULES,
  sealRecord,
  type LedgerBuilder,
  type Written,
} from '../../support/ledger-builder.ts'

const v1 = sealRecord('faq', '1.0.0')
const v2 = sealRecord('faq', '1.1.0')
const v3 = sealRecord('faq', '2.0.0')

let ledger: LedgerBuilder
let genesis: Written
beforeEach(async () => {
  ledger = await buildLedger()
  genesis = ledger.head
  await ledger.addTenant('retail')
})

const verify = (head: string, accepted: VerifiedLedger | null = null) =>
  verifyLedger({ reader: ledger.objects, root: ledger.root, accepted, head })
const accept = () => verify(ledger.head.oid)
/** How a head is refused, from what is accepted now and on a first start. */
const refusals = async (head: string, accepted: VerifiedLedger) => [
  await faultReason(() => verify(head, accepted)),
  await faultReason(() => verify(head)),
]

describe('a ledger that keeps its rules', () => {
  it('is verified from the pinned root to its head', async () => {
    await ledger.promote('retail', 'current', v1)
    await ledger.promote('retail', 'current', v2)
    const verified = await accept()
    expect(verified).toMatchObject({ oid: ledger.head.oid, seq: 3, epoch: 1, entryDigest: ledger.head.entryDigest })
    expect(verified.state.tenants.get('retail')?.aliases.current).toMatchObject({ digest: v2.digest, from: v1.digest })
    expect(verified.state.files).toEqual(ledger.head.state.files)
  })

  it('is verified onwards from what was accepted, to the same state as from the root', async () => {
    const accepted = await accept()
    await ledger.promote('retail', 'candidate', v1)
    await ledger.addTenant('wholesale')
    await ledger.write({ tenants: new Map([['wholesale', null]]) })
    const verified = await verify(ledger.head.oid, accepted)
    expect(verified).toEqual(await accept())
    expect([...verified.state.tenants.keys()]).toEqual(['retail'])
  })

  it('reads nothing when the head is the accepted one', async () => {
    const accepted = await accept()
    expect(await verifyLedger({ reader: failing, root: ledger.root, accepted, head: accepted.oid })).toBe(accepted)
  })

  it('is told commit by commit', async () => {
    await ledger.promote('retail', 'current', v1)
    const seen: number[] = []
    const onStep = ({ seq }: VerifiedLedger) => seen.push(seq)
    await verifyLedger({ reader: ledger.objects, root: ledger.root, accepted: null, head: ledger.head.oid, onStep })
    expect(seen).toEqual([0, 1, 2])
  })
})

const failing = { read: () => Promise.reject(new TypeError('nothing should be read')) }

describe('a first commit', () => {
  it('is refused when the root pins another', async () => {
    const root = { ...ledger.root, genesis: ledger.head.oid }
    const head = ledger.head.oid
    expect(await faultReason(() => verifyLedger({ reader: ledger.objects, root, accepted: null, head }))).toBe(
      'UNTRUSTED',
    )
  })

  it('is refused when other root keys signed its keyset', async () => {
    const stranger = await buildLedger()
    const root = { ...ledger.root, keys: stranger.root.keys }
    const head = genesis.oid
    expect(await faultReason(() => verifyLedger({ reader: ledger.objects, root, accepted: null, head }))).toBe(
      'UNTRUSTED',
    )
  })

  it('needs as many root keys as the threshold says', async () => {
    const many = await buildLedger({ rootKeys: 3, threshold: 2 })
    const verifyWith = (threshold: number) =>
      faultReason(() =>
        verifyLedger({ reader: many.objects, root: { ...many.root, threshold }, accepted: null, head: many.head.oid }),
      )
    expect(await verifyWith(2)).toBeNull()
    expect(await verifyWith(3)).toBeNull()
    const one = await many.keyset({ version: 2 }, many.keys.root.slice(0, 1))
    await many.write({ files: one })
    expect(await verifyWith(2)).toBe('UNTRUSTED')
    expect(await verifyWith(1)).toBeNull()
  })
})

describe('a commit that nobody trusted made', () => {
  it('is refused unsigned, signed by a stranger, by the heartbeat key, by a person, or with a spoiled signature', async () => {
    const accepted = await accept()
    const { keys } = ledger
    const stranger = (await buildLedger()).keys.controller
    const spoil = (text: string) => text.replace(/\n(.)/, (_all, first: string) => `\n${first === 'A' ? 'B' : 'A'}`)
    const ben = keys.people.get('ben')
    for (const tampering of [
      { key: null },
      { key: stranger },
      { key: keys.heartbeat },
      { key: ben ?? null },
      { armour: spoil },
    ]) {
      const forged = await ledger.write({}, tampering)
      expect(await refusals(forged.oid, accepted)).toEqual(['UNTRUSTED', 'UNTRUSTED'])
    }
  })

  it('is refused wherever in the way it stands', async () => {
    const accepted = await accept()
    const forged = await ledger.write({}, { key: null })
    const onTop = await ledger.write({}, { on: forged })
    expect(await refusals(onTop.oid, accepted)).toEqual(['UNTRUSTED', 'UNTRUSTED'])
  })

  it('is refused when its signature is that of another commit', async () => {
    const accepted = await accept()
    const first = await ledger.write({ subject: 'one' })
    const raw = ledger.objects.read(first.oid, 'commit')
    const other = (await raw).toString('latin1').replace('one\n\nRegistry', 'two\n\nRegistry')
    const oid = await ledger.objects.write('commit', Buffer.from(other, 'latin1'))
    expect(await refusals(oid, accepted)).toEqual(['UNTRUSTED', 'UNTRUSTED'])
  })
})

describe('a signed commit that breaks a rule', () => {
  const digest = `sha256:${'0'.repeat(64)}`
  const spoiled: [string, Parameters<LedgerBuilder['write']>[1]][] = [
    [
      'skips a seq',
      { message: (said) => ({ ...said, seq: said.seq + 1 }), entry: (entry) => ({ ...entry, seq: entry.seq + 1 }) },
    ],
    [
      'repeats a seq',
      { message: (said) => ({ ...said, seq: said.seq - 1 }), entry: (entry) => ({ ...entry, seq: entry.seq - 1 }) },
    ],
    ['jumps to the end of seqs', { message: (said) => ({ ...said, seq: Number.MAX_SAFE_INTEGER }) }],
    ['is of another registry', { message: (said) => ({ ...said, registry: 'other' }) }],
    ['names another entry', { message: (said) => ({ ...said, entry: digest }) }],
    ['names another source than its entry', { message: (said) => ({ ...said, source: '9'.repeat(40) }) }],
    ['has an entry of another seq', { entry: (entry) => ({ ...entry, seq: entry.seq + 5 }) }],
    ['has an entry that follows another', { entry: (entry) => ({ ...entry, prev: digest }) }],
    ['has an entry that follows none', { entry: (entry) => ({ ...entry, prev: null }) }],
    ['is earlier than the entry before', { entry: (entry) => ({ ...entry, at: '2020-01-01T00:00:00.000Z' }) }],
    ['has another state root', { entry: (entry) => ({ ...entry, state_root: digest }) }],
    ['has a file more than its root counts', { uncounted: new Map([['tenants/00/x.json', Buffer.from('{}')]]) }],
    ['has a file less than its root counts', { uncounted: new Map([[tenantPath('retail'), null]]) }],
    [
      'has a file that says something else',
      { uncounted: new Map([[tenantPath('retail'), formatStateFile(newTenant('retail', { status: 'suspended' }))]]) },
    ],
  ]
  it.each(spoiled)('%s: refused', async (_what, tampering) => {
    const accepted = await accept()
    const broken = await ledger.write({}, tampering)
    const [onwards, fromStart] = await refusals(broken.oid, accepted)
    expect(fromStart).toBe('LEDGER_BROKEN')
    expect(['LEDGER_BROKEN', 'EQUIVOCATION']).toContain(onwards)
    expect((await accept()).oid).toBe(accepted.oid)
  })

  it('has no parent, two parents, or a parent further back: refused', async () => {
    await ledger.addTenant('wholesale')
    const accepted = await accept()
    for (const parents of [[], [accepted.oid, genesis.oid], [genesis.oid, accepted.oid], [genesis.oid]]) {
      const broken = await ledger.write({}, { parents })
      expect(await faultReason(() => verify(broken.oid, accepted))).toMatch(/^(LEDGER_BROKEN|EQUIVOCATION)$/)
      expect(await faultReason(() => verify(broken.oid))).toMatch(/^(LEDGER_BROKEN|UNTRUSTED)$/)
    }
  })

  it('opens a new epoch by itself: refused', async () => {
    const accepted = await accept()
    const opened = await ledger.write({ epoch: 2 }, { on: ledger.head })
    expect(await refusals(opened.oid, accepted)).toEqual(['UNTRUSTED', 'UNTRUSTED'])
  })

  it('has a tenant under the name of another, or a file that is not JSON: refused', async () => {
    const accepted = await accept()
    for (const [path, bytes] of [
      [tenantPath('wholesale'), formatStateFile(newTenant('retail'))],
      [tenantPath('retail'), Buffer.from('{')],
      [REGISTRY_PATH, Buffer.from('null')],
      ['governance/allowed_signers', Buffer.from('ben ssh-ed25519 AAAA\n')],
      ['governance/roles.yaml', Buffer.from('principals: &a []\nroles: *a\n')],
      ['governance/revoked.yaml', Buffer.from('revoked: 1\n')],
    ] as const) {
      const written = await ledger.write({}, {}).catch(() => null)
      expect(written).not.toBeNull()
      const broken = await ledger.writeRaw(new Map([[path, bytes]]))
      expect(await faultReason(() => verify(broken, accepted)), path).toBe('LEDGER_BROKEN')
    }
  })
})

describe('approvals of current', () => {
  const refused = async (head: Written, accepted: VerifiedLedger) => {
    expect(await refusals(head.oid, accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
  }

  it('are verified again: without one, or from the author, a promotion is refused', async () => {
    const accepted = await accept()
    for (const approvers of [[], ['cora']]) {
      const change = await ledger.planPromotion('retail', 'current', v1, approvers)
      await refused(await ledger.write(change, { on: ledger.head }), accepted)
    }
  })

  it('are asked for by the rules before the commit, not by those that it brings', async () => {
    const accepted = await accept()
    const change = await ledger.planPromotion('retail', 'current', v1, [])
    const { rules } = ledger.head.state.registry
    const lax = { ...rules, promotion: { ...rules.promotion, current: { approvals: 0 } } }
    await refused(await ledger.write({ ...change, registry: { epoch: 1, rules: lax } }, { on: ledger.head }), accepted)
  })

  it('count by the signers before the commit, not by those that it brings', async () => {
    const stranger = await buildLedger()
    const accepted = await accept()
    const change = await ledger.planPromotion('retail', 'current', v1)
    const theirs = await stranger.planPromotion('retail', 'current', v1)
    const governance = stranger.head.state.governance
    const tenants = new Map(theirs.tenants)
    await refused(await ledger.write({ ...change, tenants, governance }, { on: ledger.head }), accepted)
  })

  it('cannot be replayed after the alias was changed', async () => {
    const first = await ledger.promote('retail', 'current', v1)
    const held = first.state.tenants.get('retail')?.aliases.current
    await ledger.promote('retail', 'current', v2)
    const accepted = await accept()
    const change = await ledger.planPromotion('retail', 'current', v3, [])
    const retail = change.tenants?.get('retail')
    const current = retail?.aliases.current
    if (retail == null || current === undefined || held === undefined) throw new TypeError('no current')
    const replayed = { ...retail, aliases: { current: { ...current, approvals: held.approvals } } }
    await refused(
      await ledger.write({ ...change, tenants: new Map([['retail', replayed]]) }, { on: ledger.head }),
      accepted,
    )
  })

  it('cannot be replayed after the alias was emptied, which nobody can hide', async () => {
    const first = await ledger.promote('retail', 'current', v1)
    const held = first.state.tenants.get('retail')?.aliases.current
    const empty = (changes: Partial<TenantState>) =>
      ({ tenants: new Map([['retail', { ...newTenant('retail'), ...changes }]]) }) as const
    const before = await accept()
    await refused(await ledger.write(empty({}), { on: ledger.head }), before)
    await refused(await ledger.write(empty({ emptied: { current: 1 } }), { on: ledger.head }), before)
    const emptied = await ledger.write(empty({ emptied: { current: first.seq + 1 } }))
    const accepted = await accept()
    expect(accepted.oid).toBe(emptied.oid)
    await refused(await ledger.write(empty({}), { on: ledger.head }), accepted)
    const change = await ledger.planPromotion('retail', 'current', v1, [])
    const current = change.tenants?.get('retail')?.aliases.current
    if (current === undefined || held === undefined) throw new TypeError('no current')
    const replayed = { ...newTenant('retail'), aliases: { current: { ...current, approvals: held.approvals } } }
    const tenants = new Map([['retail', replayed]])
    await refused(await ledger.write({ ...change, tenants }, { on: ledger.head }), accepted)
  })

  it('are not needed to go back to what the alias held, within the time of the rules', async () => {
    await ledger.promote('retail', 'current', v1)
    await ledger.promote('retail', 'current', v2)
    const back = await ledger.promote('retail', 'current', v1, [])
    expect((await accept()).oid).toBe(back.oid)
    expect(back.state.tenants.get('retail')?.aliases.current?.stack).toHaveLength(1)
    const accepted = await accept()
    const again = await ledger.planPromotion('retail', 'current', v2, [])
    await refused(await ledger.write(again, { on: ledger.head }), accepted)
    await ledger.promote('retail', 'current', v2, ['ana'])
    expect((await accept()).seq).toBe(5)
  })

  it('are needed to go back after the time of the rules', async () => {
    ledger = await buildLedger({ rules: { rollback: { approvals: 0, within: 'PT30S' } } })
    await ledger.promote('retail', 'current', v1)
    await ledger.promote('retail', 'current', v2)
    const accepted = await accept()
    await ledger.addTenant('other')
    const change = await ledger.planPromotion('retail', 'current', v1, [])
    await refused(await ledger.write(change, { on: ledger.head }), accepted)
  })

  it('cannot be avoided by a stack that never was, by a new name for a digest, or by a seal that is not there', async () => {
    await ledger.promote('retail', 'current', v1)
    const accepted = await accept()
    const change = await ledger.planPromotion('retail', 'current', v2, ['ben'])
    const retail = change.tenants?.get('retail')
    const right = retail?.aliases.current
    const held = ledger.head.state.tenants.get('retail')?.aliases.current
    if (retail == null || right === undefined || held === undefined) throw new TypeError('no current')
    const level = { bundle: 'faq', version: '2.0.0', digest: v3.digest, seq: 1, until: right.since }
    const spoiled = [
      { ...held, stack: [level, ...held.stack] },
      { ...held, approvals: [] },
      { ...right, stack: [level, ...right.stack] },
      { ...right, stack: [] },
      { ...right, from: null },
      { ...right, seq: right.seq + 1 },
      { ...right, since: '2030-01-01T00:00:00.000Z' },
      { ...right, tag: 'refs/tags/bundles/faq/1.0.0' },
      { ...right, seal: '5'.repeat(40) },
      { ...right, version: '1.0.0' },
      { ...right, digest: v3.digest },
      { ...right, bundle_id: `b-${'0'.repeat(32)}` },
    ]
    for (const current of spoiled) {
      const tenants = new Map([['retail', { ...retail, aliases: { current } }]])
      await refused(await ledger.write({ ...change, tenants }, { on: ledger.head }), accepted)
    }
  })

  it('hold for a tenant that comes with its current', async () => {
    const accepted = await accept()
    const change = await ledger.planPromotion('brand-new', 'current', v1, [])
    await refused(await ledger.write(change, { on: ledger.head }), accepted)
    await ledger.promote('brand-new', 'current', v1)
    expect((await accept()).seq).toBe(2)
  })
})

describe('a change of governance', () => {
  const revoked = (...digests: string[]) => {
    const lines = digests.map((digest) => `  - { digest: "${digest}", reason: x, at: "2026-01-01T00:00:00Z" }\n`)
    return new Map([
      ['governance/revoked.yaml', digests.length === 0 ? 'revoked: []\n' : `revoked:\n${lines.join('')}`],
    ])
  }
  const owners = (changes: Partial<Registry['changes']>) => ({ changes: { ...RULES.changes, ...changes } })
  const policy = new Map([['governance/policies/rate_limit.yaml', 'execute: { per_minute: 5 }\n']])

  it('needs the owners that were in force before it, as many as the rules say', async () => {
    ledger = await buildLedger({ rules: owners({ governance: 2 }) })
    const accepted = await accept()
    for (const names of [[], ['ana'], ['ana', 'ana']]) {
      const change = await ledger.write({ governance: policy, owners: names }, { on: ledger.head })
      expect(await refusals(change.oid, accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
    }
    await ledger.write({ governance: policy, owners: ['ana', 'ben'] })
    expect((await accept()).state.governance.has('governance/policies/rate_limit.yaml')).toBe(true)
  })

  it('cannot name its own owners', async () => {
    ledger = await buildLedger({ rules: owners({ governance: 'owners' }) })
    const accepted = await accept()
    const stranger = await buildLedger()
    const { governance } = stranger.head.state
    const { registry } = (await stranger.write({ governance: policy, owners: ['ana'] })).state
    const change = await ledger.writeRaw(
      new Map([
        [REGISTRY_PATH, formatStateFile({ ...registry, rules: ledger.head.state.registry.rules })],
        ['governance/allowed_signers', Buffer.from(governance.get('governance/allowed_signers') ?? '')],
      ]),
    )
    expect(await refusals(change, accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
  })

  it('may revoke more without anyone, and less only with the owners', async () => {
    ledger = await buildLedger({ rules: owners({ governance: 'owners', unrevoke: 'owners' }) })
    await ledger.write({ governance: revoked(v1.digest) })
    await ledger.write({ governance: revoked(v1.digest, v2.digest) })
    const accepted = await accept()
    expect(accepted.state.revoked).toHaveLength(2)
    const less = await ledger.write({ governance: revoked(v2.digest) }, { on: ledger.head })
    expect(await refusals(less.oid, accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
    await ledger.write({ governance: revoked(v2.digest), owners: ['cora'] })
    expect((await accept()).state.revoked).toHaveLength(1)
  })

  it('cannot be approved with what approved another', async () => {
    ledger = await buildLedger({ rules: owners({ governance: 'owners' }) })
    const { registry } = (await ledger.write({ governance: policy, owners: ['ana'] })).state
    await ledger.write({ governance: new Map([['governance/policies/rate_limit.yaml', null]]), owners: ['ana'] })
    const accepted = await accept()
    const files = new Map<string, Buffer>([...policy].map(([path, text]) => [path, Buffer.from(text)]))
    const governance = { ...registry.governance, seq: accepted.seq + 1 }
    files.set(REGISTRY_PATH, formatStateFile({ ...registry, governance }))
    expect(await refusals(await ledger.writeRaw(files), accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
  })

  it('is the only way to other rules: registry.json says what the approved file says', async () => {
    const accepted = await accept()
    const { registry } = ledger.head.state
    const rules = { ...registry.rules, rollback: { approvals: 0, within: 'P300D' } }
    const alone = await ledger.writeRaw(new Map([[REGISTRY_PATH, formatStateFile({ ...registry, rules })]]))
    expect(await refusals(alone, accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
    const right = (await ledger.write({ governance: policy }, { on: ledger.head })).state.registry
    const files = new Map<string, Buffer>([...policy].map(([path, text]) => [path, Buffer.from(text)]))
    files.set(REGISTRY_PATH, formatStateFile({ ...right, rules }))
    expect(await refusals(await ledger.writeRaw(files), accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
    files.set(REGISTRY_PATH, formatStateFile(right))
    expect(await refusals(await ledger.writeRaw(files), accepted)).toEqual([null, null])
  })

  it('cannot rename the registry', async () => {
    const accepted = await accept()
    const renamed = { epoch: 1, rules: { ...RULES, registry: 'other' } }
    const change = await ledger.write({ registry: renamed }, { on: ledger.head })
    expect(await refusals(change.oid, accepted)).toEqual(['LEDGER_BROKEN', 'LEDGER_BROKEN'])
  })
})

describe('a head that does not descend from what was accepted', () => {
  it('is a rollback when it is an older commit of the same ledger', async () => {
    await ledger.addTenant('wholesale')
    const accepted = await accept()
    expect(await faultReason(() => verify(genesis.oid, accepted))).toBe('ROLLBACK_DETECTED')
  })

  it('is an equivocation when another commit was signed where one was accepted', async () => {
    const before = ledger.head
    await ledger.addTenant('wholesale')
    await ledger.addTenant('more')
    const accepted = await accept()
    const sibling = await ledger.write({ subject: 'sibling' }, { on: before })
    const second = await ledger.write({}, { on: sibling })
    const third = await ledger.write({}, { on: second })
    for (const fork of [sibling, second, third])
      expect(await faultReason(() => verify(fork.oid, accepted))).toBe('EQUIVOCATION')
  })

  it('is untrusted when a stranger signed it', async () => {
    const before = ledger.head
    await ledger.addTenant('wholesale')
    const accepted = await accept()
    const forged = await ledger.write({}, { on: before, key: ledger.keys.heartbeat })
    expect(await faultReason(() => verify(forged.oid, accepted))).toBe('UNTRUSTED')
    const stranger = await buildLedger()
    await stranger.addTenant('x')
    const raw = await stranger.objects.read(stranger.head.oid, 'commit')
    const oid = await ledger.objects.write('commit', raw)
    expect(await faultReason(() => verify(oid, accepted))).toBe('UNTRUSTED')
  })

  it('is believed again once the truth returns', async () => {
    const before = ledger.head
    await ledger.addTenant('wholesale')
    const accepted = await accept()
    const sibling = await ledger.write({}, { on: before })
    expect(await faultReason(() => verify(sibling.oid, accepted))).toBe('EQUIVOCATION')
    await ledger.addTenant('more')
    expect((await verify(ledger.head.oid, accepted)).seq).toBe(3)
  })
})

describe('a new keyset', () => {
  const nextKey = async () => (await buildLedger()).keys.controller

  it('that the root signed is in force after the commit that brings it', async () => {
    const key = await nextKey()
    const files = await ledger.keyset({ version: 2, controller_keys: [key.publicKey] })
    const early = await ledger.write({ files }, { key })
    expect(await faultReason(() => verify(early.oid))).toBe('UNTRUSTED')
    await ledger.write({ files })
    const late = await ledger.write({}, { on: ledger.head })
    expect(await faultReason(() => verify(late.oid))).toBe('UNTRUSTED')
    const next = await ledger.write({}, { key })
    expect((await verify(next.oid)).seq).toBe(3)
  })

  it('leaves the keys before it until the seq that it says', async () => {
    const key = await nextKey()
    await ledger.write({
      files: await ledger.keyset({ version: 2, controller_keys: [key.publicKey], trusted_until_seq: 3 }),
    })
    await ledger.write({})
    expect((await accept()).seq).toBe(3)
    await ledger.write({})
    expect(await faultReason(accept)).toBe('UNTRUSTED')
  })

  it('that the root did not sign, of another registry, version or epoch is refused', async () => {
    const { keys } = ledger
    const spoiled = [
      await ledger.keyset({ version: 2 }, [keys.controller]),
      await ledger.keyset({ version: 2 }, []),
      await ledger.keyset({ version: 2, registry: 'other' }),
      await ledger.keyset({ version: 3 }),
      await ledger.keyset({ version: 1, heartbeat_key: keys.controller.publicKey }),
      await ledger.keyset({ version: 2, epoch: 2 }),
    ]
    for (const files of spoiled) {
      const brought = await ledger.write({ files }, { on: ledger.head })
      expect(await faultReason(() => verify(brought.oid))).toMatch(/^(UNTRUSTED|LEDGER_BROKEN)$/)
    }
  })

  it('cannot take older ones away', async () => {
    await ledger.write({ files: new Map([[keysetPath(1), null]]) })
    expect(await faultReason(accept)).toBe('LEDGER_BROKEN')
  })
})

describe('a new epoch', () => {
  it('that the root opened lets the ledger go on from before what was accepted, with new keys', async () => {
    const good = ledger.head
    await ledger.addTenant('thief')
    await ledger.addTenant('thief-2')
    const accepted = await accept()
    const key = (await buildLedger()).keys.controller
    const record = { registry: ledger.registry, epoch: 2, fork_seq: good.seq, fork_head: good.oid }
    const files = new Map([
      ...(await ledger.keyset({ version: 2, epoch: 2, controller_keys: [key.publicKey] })),
      ...(await ledger.epochFiles(record)),
    ])
    const opened = await ledger.write({ files, epoch: 2 }, { on: good, key })
    const next = await ledger.write({}, { on: opened, key })
    for (const head of [opened, next]) {
      const verified = await verify(head.oid, accepted)
      expect(verified).toMatchObject({ epoch: 2, seq: head.seq })
      expect(verified.state.tenants.has('thief')).toBe(false)
      expect((await verify(head.oid)).oid).toBe(head.oid)
    }
    const after = await verify(next.oid, accepted)
    const old = await ledger.write({})
    expect(await faultReason(() => verify(old.oid, after))).toMatch(/^(EQUIVOCATION|ROLLBACK_DETECTED|UNTRUSTED)$/)
  })

  it('is refused when the root opened it elsewhere, or did not sign it', async () => {
    const good = ledger.head
    await ledger.addTenant('more')
    const accepted = await accept()
    const record = { registry: ledger.registry, epoch: 2, fork_seq: good.seq, fork_head: good.oid }
    const spoiled = [
      await ledger.epochFiles({ ...record, fork_head: genesis.oid }),
      await ledger.epochFiles({ ...record, fork_seq: 0 }),
      await ledger.epochFiles({ ...record, registry: 'other' }),
      await ledger.epochFiles(record, [ledger.keys.controller]),
      new Map<string, Buffer>(),
    ]
    for (const files of spoiled) {
      const opened = await ledger.write({ files, epoch: 2 }, { on: good })
      expect(await refusals(opened.oid, accepted)).toEqual(['UNTRUSTED', 'UNTRUSTED'])
    }
  })
})
