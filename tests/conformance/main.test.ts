import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readControllerConfig } from '../../controller/config.ts'
import { startController, type RunningController } from '../../controller/start.ts'
import { MAIN_REF } from '../../controller/promotion/read-main.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { formatCommit } from '../../runtime/git/commit-object.ts'
import { readCommit } from '../../runtime/git/history.ts'
import { formatTree, parseTree } from '../../runtime/git/tree.ts'
import { LIVE_REF, verifyLedger, type VerifiedLedger } from '../../runtime/trust/ledger.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { bundleSource } from '../support/bundle-source.ts'
import { eventually } from '../support/eventually.ts'
import { treeEntry } from '../support/raw-git.ts'
import { aliasFile, openTestRegistry, type FileChanges, type TestRegistry } from '../support/test-registry.ts'

const AUTHOR = { name: 'ana', email: 'ana@acme.example', timestamp: 1_767_225_600, timezone: '+0000' }
const CANDIDATE = 'tenants/shop/aliases/candidate.yaml'

const version = (number: string): FileChanges =>
  Object.fromEntries([...sourceOf(number)].map(([path, body]) => [`bundles/faq/${path}`, Buffer.from(body).toString()]))
function sourceOf(number: string) {
  const manifest = bundleSource().get('manifest.yaml')?.toString() ?? ''
  return bundleSource({ 'manifest.yaml': manifest.replace('bundle_version: 1.0.0', `bundle_version: ${number}`) })
}
const VERSIONS = ['1.0.0', '1.1.0'] as const
const DIGESTS = VERSIONS.map((number) => compileBundle(sourceOf(number), 1).digest)

/** A registry, a controller with its real gates, and authors who commit what they like to `main`. */
describe('a controller refuses what a hostile author commits, promotes nothing of it, and goes on', () => {
  let registry: TestRegistry
  let controller: RunningController
  let live: VerifiedLedger | null = null
  let holds = 0
  const decided: Decision[] = []

  beforeAll(async () => {
    registry = await openTestRegistry()
    const root = join(registry.folder, 'root.json')
    await writeFile(root, JSON.stringify(registry.root))
    const config = readControllerConfig({
      CONTRACTOR_REGISTRY: registry.location,
      CONTRACTOR_TRUST: root,
      CONTRACTOR_KEYS: registry.folder,
      CONTRACTOR_STATE_DIR: join(registry.folder, 'state'),
      CONTRACTOR_CONTROLLER_PORT: '0',
      CONTRACTOR_POLL_INTERVAL_MS: '100',
    })
    controller = await startController(config)
    await registry.commit({ ...version('1.0.0'), 'tenants/shop/tenant.yaml': 'status: active\n' })
    await told(({ reason_code }) => reason_code === 'SEALED')
    await registry.commit(version('1.1.0'))
    await told(({ subject }) => subject === 'bundles/faq/1.1.0')
    await promoted(0)
  })
  afterAll(async () => {
    await controller.stop()
    await registry.close()
  })

  /** Waits for a decision on `live`, which is read by Git and verified from its root. */
  async function told(matches: (decision: Decision) => boolean, from = 0): Promise<Decision> {
    const found = await eventually(
      async () => {
        const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
        const onStep = ({ entry }: VerifiedLedger) => decided.push(...entry.decisions)
        live = await verifyLedger({ reader: registry.repository, root: registry.root, accepted: live, head, onStep })
        return decided.slice(from).find(matches) ?? null
      },
      (decision) => decision !== null,
    )
    if (found === null) throw new Error('unreachable')
    return found
  }

  async function promoted(at: number): Promise<void> {
    const from = decided.length
    holds = at
    await registry.commit({ [CANDIDATE]: aliasFile('faq', VERSIONS[at] ?? '', DIGESTS[at] ?? '') })
    await told(({ subject, decision }) => subject === 'shop/candidate' && decision === 'allow', from)
  }

  /** What no refused commit may move: seals, tags, tenants and governance. */
  async function trusted() {
    const { seals, tenants, governance } = live?.state ?? { seals: null, tenants: null, governance: null }
    return { seals, tenants, governance, tags: await registry.repository.listRefs('refs/tags/') }
  }

  async function refuses(commit: () => Promise<unknown>, reason: string): Promise<void> {
    const before = await trusted()
    const from = decided.length
    const tip = (await registry.repository.readRef(MAIN_REF)) ?? ''
    await commit()
    try {
      const refusal = await told(({ decision }) => decision !== 'allow', from)
      expect(refusal.reason_code).toBe(reason)
      expect(decided.slice(from).filter(({ decision }) => decision === 'allow')).toEqual([])
      expect(await trusted()).toEqual(before)
      expect(before.tenants?.get('shop')?.aliases.candidate?.digest).toBe(DIGESTS[holds])
    } finally {
      await commitTree((await readCommit(registry.repository, tip)).tree)
    }
    await promoted(1 - holds)
    expect((await fetch(`${controller.url}/healthz`)).status).toBe(200)
  }

  async function commitTree(tree: string): Promise<void> {
    const old = await registry.repository.readRef(MAIN_REF)
    const parents = old === null ? [] : [old]
    const raw = formatCommit({ tree, parents, author: AUTHOR, committer: AUTHOR, message: 'change\n' })
    await registry.repository.updateRefs([{ ref: MAIN_REF, old, new: await registry.repository.write('commit', raw) }])
  }

  /** A bundle whose tree is these bytes. */
  async function commitBundle(entries: (blob: string) => Buffer[] | Promise<Buffer[]>): Promise<void> {
    const { repository } = registry
    const { tree } = await readCommit(repository, (await repository.readRef(MAIN_REF)) ?? '')
    const top = parseTree(await repository.read(tree, 'tree'))
    const bundles = top.find(({ name }) => name === 'bundles')?.oid ?? ''
    const evil = await repository.write(
      'tree',
      Buffer.concat(await entries(await repository.write('blob', Buffer.from('x')))),
    )
    const below = parseTree(await repository.read(bundles, 'tree')).filter(({ name }) => name !== 'evil')
    const oid = await repository.write('tree', formatTree([{ mode: '40000', name: 'evil', oid: evil }, ...below]))
    const next = top.map((entry) => (entry.name === 'bundles' ? { ...entry, oid } : entry))
    await commitTree(await repository.write('tree', formatTree(next)))
  }

  const names: [id: string, name: string | Buffer, reason: string][] = [
    ...['..', '.', '.git', '.GIT', '.git ', 'git~1', '.gi\u200ct', '.git::$INDEX_ALLOCATION', 'a\\b', 'a/b'].map(
      (name): [string, string, string] => ['A01', name, 'PATH_INVALID'],
    ),
    ['A02', '', 'PATH_INVALID'],
    ...['.gitmodules', '.gitattributes', '.mailmap'].map((name): [string, string, string] => [
      'A03',
      name,
      'PATH_INVALID',
    ]),
    ...['con', 'aux.txt', 'COM1', 'a\nb', 'a\u202eb', '-rf', '$(id)', '~', '\uff0egit'].map(
      (name): [string, string, string] => ['A04', name, 'PATH_INVALID'],
    ),
    ['A13', Buffer.from([0xff, 0xfe]), 'PATH_INVALID'],
  ]
  it.each(names)('%s: a file called %j', async (_id, name, reason) => {
    await refuses(() => commitBundle((blob) => [treeEntry('100644', name, blob)]), reason)
  })

  const trees: [id: string, what: string, reason: string, entries: (blob: string) => Buffer[] | Promise<Buffer[]>][] = [
    [
      'A06',
      'one name twice',
      'OBJECT_CORRUPT',
      (blob) => [treeEntry('100644', 'a', blob), treeEntry('100644', 'a', blob)],
    ],
    [
      'A07',
      'a tree out of order',
      'OBJECT_CORRUPT',
      (blob) => [treeEntry('100644', 'b', blob), treeEntry('100644', 'a', blob)],
    ],
    ['A08', 'a link', 'PATH_INVALID', (blob) => [treeEntry('120000', 'link', blob)]],
    ['A09', 'a submodule', 'PATH_INVALID', () => [treeEntry('160000', 'module', '1'.repeat(40))]],
    ['A14', 'a tree of ten levels of ten times the same', 'FILE_TOO_LARGE', () => nested(10, 10)],
    ['A15', 'three hundred levels', 'PATH_INVALID', () => nested(300, 1)],
    ['A16', 'twenty thousand files', 'FILE_TOO_LARGE', (blob) => files(20_000, blob)],
    ['A17', 'a file of thirty megabytes of zeros', 'FILE_TOO_LARGE', () => zeros(30 * 1024 * 1024)],
  ]
  it.each(trees)('%s: %s', async (_id, _what, reason, entries) => {
    await refuses(() => commitBundle(entries), reason)
  })

  async function nested(depth: number, width: number): Promise<Buffer[]> {
    const { repository } = registry
    let below = await repository.write(
      'tree',
      treeEntry('100644', 'x', await repository.write('blob', Buffer.from('x'))),
    )
    const level = () => Array.from({ length: width }, (_, at) => treeEntry('40000', `d${at}`, below))
    for (let at = 1; at < depth; at++) below = await repository.write('tree', Buffer.concat(level()))
    return level()
  }
  const files = (count: number, blob: string) =>
    Array.from({ length: count }, (_, at) => treeEntry('100644', `f${String(at).padStart(6, '0')}`, blob))
  const zeros = async (bytes: number) => [
    treeEntry('100644', 'zeros', await registry.repository.write('blob', Buffer.alloc(bytes))),
  ]

  const aliases: [what: string, text: string][] = [
    ['a v before the version', aliasFile('faq', 'v1.0.0', DIGESTS[0] ?? '')],
    ['build metadata', aliasFile('faq', '1.0.0+evil', DIGESTS[0] ?? '')],
    ['a range', aliasFile('faq', '"^1.0.0"', DIGESTS[0] ?? '')],
    ['nothing', aliasFile('faq', '""', DIGESTS[0] ?? '')],
    ['a version that something must be cut from', aliasFile('faq', 'x1.0.0y', DIGESTS[0] ?? '')],
    ['a name with a line feed', aliasFile('"faq\\nevil"', '1.0.0', DIGESTS[0] ?? '')],
    ['a name with letters that fold to others', aliasFile('"\u212aaq"', '1.0.0', DIGESTS[0] ?? '')],
    ['a digest in capitals', aliasFile('faq', '1.0.0', (DIGESTS[0] ?? '').toUpperCase())],
    ['half a digest', aliasFile('faq', '1.0.0', (DIGESTS[0] ?? '').slice(0, 40))],
    ['no digest', 'bundle: faq\nversion: 1.0.0\n'],
  ]
  it.each(aliases)('J: an alias that names %s', async (_what, text) => {
    await refuses(() => registry.commit({ [CANDIDATE]: text }), 'FILE_INVALID')
  })

  it('J: the digest of one version under the name of another', async () => {
    const text = aliasFile('faq', VERSIONS[1 - holds] ?? '', DIGESTS[holds] ?? '')
    await refuses(() => registry.commit({ [CANDIDATE]: text }), 'DIGEST_MISMATCH')
  })

  it('D14: an approver who comes with what they approve', async () => {
    const roles = 'principals:\n  - { id: cora, name: cora, emails: [cora@acme.example] }\nroles: []\n'
    await refuses(() => registry.commit({ 'governance/roles.yaml': roles }), 'GOVERNANCE_NOT_APPROVED')
  })
})
