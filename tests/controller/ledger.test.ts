import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HEARTBEAT_REF, readHeartbeat } from '../../runtime/trust/heartbeat.ts'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import { formatCommit } from '../../runtime/git/commit-object.ts'
import { readCommit } from '../../runtime/git/history.ts'
import { MAIN_REF } from '../../controller/promotion/read-main.ts'
import type { Entry } from '../../schemas/ledger/entry.ts'
import { eventually } from '../support/eventually.ts'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { stockGit } from '../support/stock-repository.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../support/test-registry.ts'

const v1 = tinyBundle('faq', '1.0.0')
const d1 = digestOf('faq', v1)
const tag = 'refs/tags/bundles/faq/1.0.0'
const shop = {
  'tenants/shop/tenant.yaml': 'status: active\n',
  'tenants/shop/aliases/candidate.yaml': aliasFile('faq', '1.0.0', d1),
}

describe('the ledger that a controller writes', () => {
  let registry: TestRegistry
  let loop: RunningLoop

  beforeEach(async () => {
    registry = await openTestRegistry()
    loop = await runLoop(registry)
  })
  afterEach(async () => {
    await loop.stop()
    await registry.close()
  })

  const promoted = () => loop.decided({ subject: 'shop/candidate', reason_code: 'PROMOTED' })
  const liveRef = () => registry.repository.readRef(LIVE_REF)

  it('is accepted by stock git, object by object and signature by signature', async () => {
    await registry.commit({ ...v1, ...shop })
    await promoted()
    await loop.stop()
    const git = await stockGit(registry)
    await git('fsck', '--full', '--strict')
    for (const commit of (await git('rev-list', 'live', 'reports')).split('\n')) await git('verify-commit', commit)
    await git('verify-tag', 'bundles/faq/1.0.0')
    await git('verify-commit', 'bundles/faq/1.0.0^{commit}')
    expect(await git('rev-list', '--count', 'bundles/faq/1.0.0^{commit}')).toBe('1')
    expect(await git('log', '-1', '--format=%s', 'live')).toMatch(
      /^promote shop\/candidate faq 1\.0\.0 \(\+\d more\)$|^promote shop\/candidate faq 1\.0\.0$/,
    )
    expect(await git('ls-tree', '-r', '--name-only', 'bundles/faq/1.0.0')).toContain('sealed/router.bin')
    const report = loop.head().state.seals.get('faq/1.0.0')?.report.slice(7) ?? ''
    expect(await git('show', `reports:reports/${report.slice(0, 2)}/${report}.json`)).toContain('"verdict":"pass"')
  })

  it('is verified from its root as a Runtime does, and a heartbeat vouches for its head', async () => {
    await registry.commit({ ...v1, ...shop })
    await promoted()
    const { oid, seq } = loop.head()
    const verified = await verifyLedger({ reader: registry.repository, root: registry.root, accepted: null, head: oid })
    expect(verified.state.tenants.get('shop')?.aliases.candidate?.digest).toBe(d1)
    await eventually(
      async () =>
        readHeartbeat(
          registry.repository,
          'acme',
          loop.head(),
          (await registry.repository.readRef(HEARTBEAT_REF)) ?? '',
        ),
      (heartbeat) => heartbeat.seq === seq && heartbeat.head === oid,
    )
  })

  it('passes over commits that came while gates ran, and never serves them', async () => {
    let open = () => {}
    loop.sandbox.gate = new Promise((resolve) => (open = resolve))
    await registry.commit({ ...tinyBundle('faq', '1.0.0', 'first'), ...shop })
    await loop.reconcileNow()
    const second = await registry.commit(tinyBundle('faq', '1.0.0', 'second'))
    await loop.reconcileNow()
    const third = await registry.commit(v1)
    await loop.reconcileNow()
    open()
    await promoted()
    expect(await registry.repository.readRef(tag)).not.toBeNull()
    expect(loop.head().state.seals.size).toBe(1)
    const covered: string[] = []
    for (let oid = await liveRef(); oid !== null; oid = (await readCommit(registry.repository, oid)).parents[0] ?? null)
      covered.unshift(...(await entryAt(oid)).covers)
    expect(covered).toEqual([second])
    expect(loop.head().entry.source).toBe(third)
  })

  const entryAt = async (oid: string) =>
    JSON.parse(await (await stockGit(registry))('show', `${oid}:entry.json`)) as Entry

  it('refuses new content under a version that is sealed, and takes the old content back', async () => {
    await registry.commit({ ...v1, ...shop })
    await promoted()
    await registry.commit(tinyBundle('faq', '1.0.0', 'other'))
    await loop.decided({ subject: 'bundles/faq/1.0.0', reason_code: 'VERSION_NOT_BUMPED', decision: 'deny' })
    const before = await liveRef()
    await registry.commit(v1)
    await loop.reconcileNow()
    expect(await liveRef()).toBe(before)
  })

  it('is put back when it was rewound or deleted', async () => {
    await registry.commit({ ...v1, ...shop })
    await promoted()
    const head = loop.head().oid
    const { parents } = await readCommit(registry.repository, head)
    for (const wrong of [parents[0] ?? null, null]) {
      await registry.repository.updateRefs([{ ref: LIVE_REF, old: head, new: wrong }])
      await eventually(liveRef, (oid) => oid === head)
    }
    expect(loop.told.some(({ type }) => type === 'restored')).toBe(true)
  })

  it.each([
    ['', (raw: Buffer) => raw],
    [' in a commit that is too large', (raw: Buffer) => Buffer.concat([raw, Buffer.alloc(100_000, 'x\n')])],
    [' in bytes that are no commit', (raw: Buffer) => Buffer.from(raw.toString().replace('author', 'writer'))],
  ])('is put back where somebody without a key wrote on it%s, and promotions go on', async (_, bytesOf) => {
    const head = loop.head().oid
    const { tree } = await readCommit(registry.repository, head)
    const person = { name: 'mallory', email: 'm@example.org', timestamp: 1, timezone: '+0000' }
    const raw = formatCommit({ tree, parents: [head], author: person, committer: person, message: 'mine\n' })
    const forged = await registry.repository.write('commit', bytesOf(raw))
    await registry.repository.updateRefs([{ ref: LIVE_REF, old: head, new: forged }])
    await eventually(
      async () => loop.told,
      (told) => told.some(({ type }) => type === 'restored'),
    )
    expect(await liveRef()).toBe(head)
    await registry.commit({ ...v1, ...shop })
    await promoted()
    await eventually(
      async () => loop.status().status,
      (status) => status === 'ready',
    )
  })

  it('takes a seal that stands there already, and refuses another object under its tag', async () => {
    const { repository } = registry
    const main = (await repository.readRef(MAIN_REF)) ?? ''
    await repository.updateRefs([{ ref: tag, old: null, new: main }])
    await registry.commit({ ...v1, ...shop })
    await loop.decided({ subject: 'bundles/faq/1.0.0', reason_code: 'TAG_CONFLICT', decision: 'deny' })
    await loop.decided({ subject: 'shop/candidate', reason_code: 'NOT_SEALED', decision: 'deny' })
    await repository.updateRefs([{ ref: tag, old: main, new: null }])
    await promoted()
    expect(await repository.readRef(tag)).toBe(loop.head().state.seals.get('faq/1.0.0')?.tag_object)
  })

  it('goes on with everything else where the tag of a version is damaged', async () => {
    const file = join(registry.location, tag)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, 'not an object id\n')
    await registry.commit({ ...v1, ...shop })
    await loop.decided({ subject: 'bundles/faq', reason_code: 'REF_CORRUPT', decision: 'deny' })
    await loop.decided({ subject: 'tenants/shop', reason_code: 'CHANGED' })
    await rm(file)
    await promoted()
  })

  it('gets back the tag of a seal that was deleted', async () => {
    await registry.commit({ ...v1, ...shop })
    await promoted()
    const object = await registry.repository.readRef(tag)
    await registry.repository.updateRefs([{ ref: tag, old: object, new: null }])
    await loop.stop()
    loop = await runLoop(registry)
    await eventually(
      () => registry.repository.readRef(tag),
      (oid) => oid === object,
    )
  })

  it('halts on a rewritten main, and goes on when main is restored', async () => {
    await registry.commit({ ...v1, ...shop })
    await promoted()
    const { repository } = registry
    const tip = (await repository.readRef(MAIN_REF)) ?? ''
    const [genesis] = (await readCommit(repository, tip)).parents
    await registry.commit({ 'tenants/shop/tenant.yaml': 'status: suspended\n' }, { parents: [genesis ?? ''] })
    await loop.decided({ subject: 'main', reason_code: 'MAIN_REWRITTEN', decision: 'wait' })
    expect(loop.head().entry.source).toBe(tip)
    expect(loop.head().state.tenants.get('shop')?.status).toBe('active')
    await repository.updateRefs([{ ref: MAIN_REF, old: await repository.readRef(MAIN_REF), new: tip }])
    await registry.commit({ 'tenants/shop/tenant.yaml': 'status: suspended\n' })
    await loop.decided({ subject: 'tenants/shop', reason_code: 'CHANGED', decision: 'allow', message: '' })
    await eventually(
      async () => loop.head().state.tenants.get('shop')?.status,
      (status) => status === 'suspended',
    )
  })

  it('says nothing twice after a restart', async () => {
    await registry.commit({ ...v1, ...shop, 'tenants/shop/aliases/current.yaml': aliasFile('faq', '1.0.0', d1) })
    await loop.decided({ subject: 'shop/current', reason_code: 'APPROVAL_MISSING' })
    const head = await liveRef()
    for (const state of ['state', 'another-state']) {
      await loop.stop()
      loop = await runLoop(registry, state)
      await loop.reconcileNow()
      expect(await liveRef()).toBe(head)
    }
  })
})
