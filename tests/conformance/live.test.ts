import { afterAll, beforeAll, describe, it } from 'vitest'
import { formatCommit, signedCommit } from '../../runtime/git/commit-object.ts'
import { readCommit } from '../../runtime/git/history.ts'
import { formatTag, signedTag } from '../../runtime/git/tag-object.ts'
import type { Reason } from '../../schemas/reasons.ts'
import { buildLedger, newTenant } from '../support/ledger-builder.ts'
import { treeEntry } from '../support/raw-git.ts'
import { openHostileRegistry, TENANT, type HostileRegistry } from './hostile-registry.ts'

/** Attacks of whoever owns the Git server, or a key of it, on what a Runtime believes. Each is undone by the truth. */
type Attack = [id: string, what: string, reason: Reason, attack: (world: HostileRegistry) => Promise<void>]

/** A commit on top of the head whose bytes are the attacker's, signed by the real controller. */
async function signedBytes(
  { ledger }: HostileRegistry,
  spoil: (payload: Buffer) => Buffer,
  after: (signed: Buffer) => Buffer = (signed) => signed,
): Promise<string> {
  const next = await ledger.write({ tenants: new Map([['other', newTenant('other')]]) }, { on: ledger.head })
  const { tree, parents, author, committer, message } = await readCommit(ledger.objects, next.oid)
  const payload = spoil(formatCommit({ tree, parents, author, committer, message }))
  const signature = await ledger.keys.controller.sign(payload, 'git')
  return ledger.objects.write('commit', after(signedCommit(payload, signature)))
}

/** The next commit of `live` as the controller would sign it, with a tree that holds besides what the attacker adds. */
async function treeOnLive(world: HostileRegistry, entries: (blob: string) => Buffer[]): Promise<string> {
  const { objects } = world.ledger
  const blob = await objects.write('blob', Buffer.from('{}\n'))
  const tree = await objects.write('tree', Buffer.concat(entries(blob)))
  return signedBytes(world, (payload) => Buffer.from(payload.toString('latin1').replace(/^tree .*$/m, `tree ${tree}`)))
}

const attacks: Attack[] = [
  ['C05', 'live goes back to an older commit', 'ROLLBACK_DETECTED', (w) => w.lead(w.earlier().oid)],
  ['C05', 'live is deleted', 'ROLLBACK_DETECTED', (w) => w.lead(null)],
  [
    'C05',
    'live forks: two signed commits for one seq',
    'EQUIVOCATION',
    async (w) => w.lead((await w.ledger.write({}, { on: w.earlier() })).oid),
  ],
  [
    'C10',
    'a seq is skipped',
    'LEDGER_BROKEN',
    async (w) => {
      const { ledger } = w
      const message = (said: { seq: number }) => ({ ...said, seq: said.seq + 1 }) as never
      const entry = (right: { seq: number }) => ({ ...right, seq: right.seq + 1 }) as never
      await w.lead((await ledger.write({}, { on: ledger.head, message, entry })).oid)
    },
  ],
  [
    'C10',
    'a seq near the largest number, so that nothing could follow',
    'LEDGER_BROKEN',
    async (w) => {
      const message = (said: object) => ({ ...said, seq: 999_999_999_999_999 }) as never
      const entry = (right: object) => ({ ...right, seq: 999_999_999_999_999 }) as never
      await w.lead((await w.ledger.write({}, { on: w.ledger.head, message, entry })).oid)
    },
  ],
  [
    'D16',
    'the history of another registry with the same name',
    'UNTRUSTED',
    async (w) => {
      const other = await buildLedger({ objects: w.ledger.objects })
      for (let at = 0; at < 8; at++) await other.addTenant(`tenant-${at}`)
      await w.lead(other.head.oid)
    },
  ],
  [
    'D16',
    'an entry that says that it is of another registry',
    'LEDGER_BROKEN',
    async (w) => {
      const message = (said: object) => ({ ...said, registry: 'acme-staging' }) as never
      await w.lead((await w.ledger.write({}, { on: w.ledger.head, message })).oid)
    },
  ],
  [
    'D03',
    'an unsigned commit',
    'UNTRUSTED',
    async (w) => w.lead((await w.ledger.write({}, { on: w.ledger.head, key: null })).oid),
  ],
  [
    'D04',
    'a commit by a key that nobody listed',
    'UNTRUSTED',
    async (w) => {
      const key = w.ledger.keys.people.get('ana') ?? null
      await w.lead((await w.ledger.write({}, { on: w.ledger.head, key })).oid)
    },
  ],
  [
    'D04',
    'a commit by the heartbeat key',
    'UNTRUSTED',
    async (w) => w.lead((await w.ledger.write({}, { on: w.ledger.head, key: w.ledger.keys.heartbeat })).oid),
  ],
  [
    'D01',
    'a signature that was made for files',
    'UNTRUSTED',
    async (w) => {
      const { controller } = w.ledger.keys
      const key = { ...controller, sign: (payload: Buffer) => controller.sign(payload, 'file') }
      await w.lead((await w.ledger.write({}, { on: w.ledger.head, key })).oid)
    },
  ],
  [
    'D02',
    'a message that was changed after it was signed',
    'UNTRUSTED',
    async (w) => {
      const after = (signed: Buffer) =>
        Buffer.from(signed.toString('latin1').replace('\n\nentry', '\n\nEntry'), 'latin1')
      await w.lead(await signedBytes(w, (payload) => payload, after))
    },
  ],
  [
    'D10',
    'two signatures in one commit',
    'UNTRUSTED',
    async (w) => {
      const twice = (signed: Buffer) => {
        const text = signed.toString('latin1')
        const header = /gpgsig [\s\S]*?-----END SSH SIGNATURE-----\n/.exec(text)?.[0] ?? ''
        return Buffer.from(text.replace(header, header + header), 'latin1')
      }
      await w.lead(await signedBytes(w, (payload) => payload, twice))
    },
  ],
  [
    'D11',
    'a message that pretends to end a signature',
    'LEDGER_BROKEN',
    async (w) => {
      const fake = '-----END PGP SIGNATURE-----\n\ntree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n'
      await w.lead(await signedBytes(w, (payload) => Buffer.concat([payload, Buffer.from(fake)])))
    },
  ],
  [
    'D12',
    'a message with carriage returns',
    'LEDGER_BROKEN',
    async (w) =>
      w.lead(
        await signedBytes(w, (payload) =>
          Buffer.from(payload.toString('latin1').replaceAll('\nSeq', '\r\nSeq'), 'latin1'),
        ),
      ),
  ],
  [
    'A18',
    'an author without an address',
    'UNTRUSTED',
    async (w) =>
      w.lead(
        await signedBytes(w, (payload) =>
          Buffer.from(payload.toString('latin1').replace(/^author .*$/m, 'author a'), 'latin1'),
        ),
      ),
  ],
  [
    'A19',
    'a time that no calendar has',
    'UNTRUSTED',
    async (w) => {
      const spoil = (payload: Buffer) =>
        Buffer.from(payload.toString('latin1').replace(/(> )\d+( \+0000)/g, '$199999999999999999999$2'), 'latin1')
      await w.lead(await signedBytes(w, spoil))
    },
  ],
  [
    'C14',
    'a commit of a megabyte',
    'UNTRUSTED',
    async (w) => w.lead(await signedBytes(w, (payload) => Buffer.concat([payload, Buffer.alloc(1_000_000, 'x\n')]))),
  ],
  [
    'C14',
    'a state file of ten megabytes',
    'OBJECT_TOO_LARGE',
    async (w) => w.lead(await w.ledger.writeRaw(new Map([['registry.json', Buffer.alloc(10 * 1024 * 1024, ' ')]]))),
  ],
  [
    'C11',
    'a state file that no entry counts',
    'LEDGER_BROKEN',
    async (w) => {
      const uncounted = new Map([['governance/revoked.yaml', Buffer.from('revoked: []\n# changed\n')]])
      await w.lead((await w.ledger.write({}, { on: w.ledger.head, uncounted })).oid)
    },
  ],
  [
    'C11',
    'the alias of one version with the seal of another',
    'LEDGER_BROKEN',
    async (w) => {
      const change = await w.ledger.planPromotion(TENANT, 'current', w.seals[2])
      const tenant = change.tenants?.get(TENANT)
      const current = tenant?.aliases.current
      if (tenant == null || current === undefined) throw new TypeError('nothing to mix')
      const mixed = { ...current, seal: w.seals[0].seal, digest: w.seals[0].digest }
      const tenants = new Map([[TENANT, { ...tenant, aliases: { current: mixed } }]])
      await w.lead((await w.ledger.write({ ...change, tenants }, { on: w.ledger.head })).oid)
    },
  ],
  [
    'C08',
    'an entry that follows another than it says',
    'LEDGER_BROKEN',
    async (w) => {
      const entry = (right: object) => ({ ...right, prev: `sha256:${'0'.repeat(64)}` }) as never
      await w.lead((await w.ledger.write({}, { on: w.ledger.head, entry })).oid)
    },
  ],
  [
    'D06',
    'an entry with a time before the one before it',
    'LEDGER_BROKEN',
    async (w) => {
      const at = new Date(w.ledger.head.at.getTime() - 3_600_000)
      await w.lead((await w.ledger.write({ at }, { on: w.ledger.head })).oid)
    },
  ],
  [
    'D14',
    'a promotion that its author approved',
    'LEDGER_BROKEN',
    async (w) => {
      const change = await w.ledger.planPromotion(TENANT, 'current', nextSeal(w), ['cora'])
      await w.lead((await w.ledger.write(change, { on: w.ledger.head })).oid)
    },
  ],
  [
    'D14',
    'a promotion that nobody approved, signed with the stolen key of the controller',
    'LEDGER_BROKEN',
    async (w) => {
      const change = await w.ledger.planPromotion(TENANT, 'current', nextSeal(w), [])
      await w.lead((await w.ledger.write(change, { on: w.ledger.head })).oid)
    },
  ],
  [
    'D14',
    'an approver who comes with the promotion',
    'LEDGER_BROKEN',
    async (w) => {
      const stranger = await buildLedger()
      const change = await w.ledger.planPromotion(TENANT, 'current', nextSeal(w), [])
      const governance = new Map(stranger.head.state.governance)
      await w.lead((await w.ledger.write({ ...change, governance }, { on: w.ledger.head })).oid)
    },
  ],
  [
    'C12',
    'older signers, which were valid once',
    'LEDGER_BROKEN',
    async (w) => {
      const governance = new Map([['governance/allowed_signers', '']])
      await w.lead((await w.ledger.write({ governance }, { on: w.ledger.head })).oid)
    },
  ],
  [
    'C12',
    'an epoch that no root opened',
    'UNTRUSTED',
    async (w) => w.lead((await w.ledger.write({ epoch: w.ledger.head.epoch + 1 }, { on: w.ledger.head })).oid),
  ],
  ...(
    [
      ['A01', 'a path that leaves the tree', 'PATH_INVALID', '100644', '..'],
      ['A04', 'a name with a line feed', 'LEDGER_BROKEN', '100644', 'a\nb'],
      ['A08', 'a link', 'LEDGER_BROKEN', '120000', 'link'],
      ['A09', 'a submodule', 'LEDGER_BROKEN', '160000', 'module'],
      ['A13', 'a name that is no UTF-8', 'PATH_INVALID', '100644', Buffer.from([0xff, 0xfe])],
    ] as const
  ).map(([id, what, reason, mode, name]): Attack => [
    id,
    `${what} on live, signed by the controller`,
    reason,
    async (w) => w.lead(await treeOnLive(w, (blob) => [treeEntry(mode, name, blob)])),
  ]),
  [
    'A06',
    'one name twice on live, signed by the controller',
    'OBJECT_CORRUPT',
    async (w) =>
      w.lead(await treeOnLive(w, (blob) => [treeEntry('100644', 'a', blob), treeEntry('100644', 'a', blob)])),
  ],
  [
    'A07',
    'a tree out of order on live, signed by the controller',
    'OBJECT_CORRUPT',
    async (w) =>
      w.lead(await treeOnLive(w, (blob) => [treeEntry('100644', 'b', blob), treeEntry('100644', 'a', blob)])),
  ],
  ['C06', 'the tag of what is served is deleted', 'TAG_CONFLICT', (w) => w.registry.setRef(currentTag(w), null)],
  [
    'C06',
    'the tag of what is served is moved to another version',
    'TAG_CONFLICT',
    (w) => w.registry.setRef(currentTag(w), nextSeal(w).tag_object),
  ],
  [
    'C07',
    'a signed tag of another name for the same seal',
    'TAG_CONFLICT',
    async (w) => {
      const { seal } = held(w)
      const by = { name: 'x', email: 'x@example.org', timestamp: 1_767_225_600, timezone: '+0000' }
      const tag = formatTag({ object: seal, type: 'commit', tag: 'bundles/faq/9.9.9', tagger: by, message: 'x\n' })
      const signed = signedTag(tag, await w.ledger.keys.controller.sign(tag, 'git'))
      await w.registry.setRef(currentTag(w), await w.ledger.objects.write('tag', signed))
    },
  ],
  [
    'C09',
    'a heartbeat for another commit than was accepted',
    'EQUIVOCATION',
    async (w) =>
      w.registry.setRef(
        'refs/heads/heartbeat',
        await w.ledger.heartbeat({ head: '1'.repeat(40), signedAt: new Date() }),
      ),
  ],
  [
    'C09',
    'a heartbeat of another registry',
    'UNTRUSTED',
    async (w) =>
      w.registry.setRef('refs/heads/heartbeat', await w.ledger.heartbeat({ registry: 'other', signedAt: new Date() })),
  ],
  [
    'C09',
    'a heartbeat by the key of the controller',
    'UNTRUSTED',
    async (w) =>
      w.registry.setRef(
        'refs/heads/heartbeat',
        await w.ledger.heartbeat({ signedAt: new Date() }, w.ledger.keys.controller),
      ),
  ],
]

function held({ ledger }: HostileRegistry) {
  const current = ledger.head.state.tenants.get(TENANT)?.aliases.current
  if (current === undefined) throw new TypeError('nothing is served')
  return current
}
const currentTag = (world: HostileRegistry) => `refs/tags/bundles/faq/${held(world).version}`
function nextSeal(world: HostileRegistry) {
  const at = world.seals.findIndex(({ version }) => version === held(world).version)
  const stack = held(world).stack.map(({ digest }) => digest)
  return world.seals.find(({ digest }) => !stack.includes(digest)) ?? world.seals[(at + 1) % 3] ?? world.seals[0]
}

describe('a Runtime keeps the last good state, says why, and goes on when the truth returns', () => {
  let world: HostileRegistry
  beforeAll(async () => {
    world = await openHostileRegistry({
      rollback: { approvals: 1, within: 'P30D' },
      changes: { governance: 'owners', keys: 'owners', limits: 0, unsuspend: 'owners', unrevoke: 'owners' },
    })
  })
  afterAll(() => world.close())

  it.each(attacks)('%s: %s', async (_id, _what, reason, attack) => {
    await attack(world)
    try {
      await world.refused(reason)
    } finally {
      await world.recovers()
    }
  })
})
