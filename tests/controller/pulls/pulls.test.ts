import { execFileSync } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ControllerConfig } from '../../../controller/config.ts'
import { openEvents, type ControllerEvent } from '../../../controller/events.ts'
import { NO_FORGE } from '../../../controller/forge/config.ts'
import { startController, type RunningController } from '../../../controller/start.ts'
import { LIVE_REF } from '../../../runtime/trust/ledger.ts'
import { faqFiles, openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'
import { eventually } from '../../support/eventually.ts'
import { serveForge, type ForgeServer } from '../../support/forge-server.ts'
import { serveGit, type GitServer } from '../../support/git-http-server.ts'
import { aliasFile } from '../../support/test-registry.ts'

const sed = (from: string, to: string) => (text: string) => text.replaceAll(from, to)
const NEXT = {
  'manifest.yaml': sed('0.1.0', '0.2.0'),
  'templates/contact.j2': 'Write to {{ facts.email }}.\n',
  'suites/golden.json': sed(' We answer within 24 hours.', ''),
}

describe('a pull request', () => {
  let clone: AuthorClone
  let forge: ForgeServer
  let http: GitServer | null = null
  let controller: RunningController | null = null
  let told: ControllerEvent[]
  let number = 0

  beforeAll(async () => {
    clone = await openAuthorClone()
  }, 60_000)
  afterAll(() => clone.close())
  beforeEach(async () => {
    forge = await serveForge()
    told = []
    await clone.git('git switch -q work && git reset -q --hard origin/main && git clean -qfd')
  })
  afterEach(async () => {
    await controller?.stop()
    controller = null
    await forge.close()
    await http?.close()
    http = null
    expect(told.filter((event) => event.type === 'fault')).toEqual([])
  })

  async function start(config: Partial<ControllerConfig> = {}, pulls: { max: number } | null = { max: 20 }) {
    const { registry } = clone
    const events = openEvents(() => new Date())
    events.subscribe((event) => told.push(event))
    const api = { kind: 'gitlab', api: forge.url, project: 'acme/registry', token: 'a-token' } as const
    controller = await startController(
      {
        registry: registry.location,
        registryToken: null,
        root: registry.root,
        controllerKeyFile: registry.keyFiles.controller,
        heartbeatKeyFile: registry.keyFiles.heartbeat,
        stateDir: join(registry.folder, `state-${String(pulls?.max)}`),
        host: '127.0.0.1',
        port: 0,
        pollIntervalMs: 100,
        heartbeatIntervalMs: 60_000,
        heartbeatValidMs: 600_000,
        operatorKey: null,
        forge: { ...NO_FORGE, api, pulls },
        ...config,
      },
      { events },
    )
    return controller
  }

  /** Commits what stands in the work tree as a pull request, and answers its head. */
  async function open(ref = 'pull'): Promise<string> {
    number += 1
    await clone.git(`git add -A && git commit -q --allow-empty -m change-${number}`)
    const head = (await clone.git('git rev-parse HEAD')).trim()
    // As a forge does it: no push could write these refs.
    execFileSync('git', ['-C', clone.registry.location, 'fetch', '-q', clone.root, `HEAD:refs/${ref}/${number}/head`])
    return head
  }

  const of = (commit: string) =>
    forge.requests.filter(({ path, body }) => path.endsWith(commit) && body['name'] === 'contractor/merge')
  const verdictOf = async (commit: string) => {
    const seen = await eventually(
      async () => of(commit).findLast(({ body }) => body['state'] !== 'pending'),
      (found) => found !== undefined,
      30_000,
    )
    return `${String(seen?.body['state'])} ${String(seen?.body['description'])}`
  }

  it.each(['pull', 'merge-requests'])(
    'at refs/%s is told what its merge would do, and nothing of it comes to live',
    async (ref) => {
      const live = await clone.registry.repository.readRef(LIVE_REF)
      await clone.write(faqFiles(NEXT))
      const plain = await open(ref)
      await clone.write({ 'tenants/acme/aliases/current.yaml': aliasFile('faq', '0.2.0', `sha256:${'0'.repeat(64)}`) })
      const wrong = await open(ref)
      await start()
      expect(await verdictOf(plain)).toMatch(/^success faq: [1-9]\d*\/\d+ answers change/)
      expect(await verdictOf(wrong)).toMatch(
        /^failed .*(?:DIGEST_MISMATCH|NOT_CANDIDATE) tenants\/acme\/aliases\/current.yaml/,
      )
      expect(await clone.registry.repository.readRef(LIVE_REF)).toBe(live)
    },
  )

  it('is told who must still approve what it promotes', async () => {
    await clone.write(faqFiles(NEXT))
    const checked = await clone.run('check', [], { json: true, offline: true, base: 'origin/main' })
    const { bundles } = JSON.parse(checked.out) as { bundles: { digest: string }[] }
    const pinned = aliasFile('faq', '0.2.0', bundles[0]?.digest ?? '')
    await clone.write({ 'tenants/acme/aliases/candidate.yaml': pinned, 'tenants/acme/aliases/current.yaml': pinned })
    const head = await open()
    await start()
    expect(await verdictOf(head)).toMatch(
      /^success acme\/current needs 1 of ben; faq: \d+\/\d+ answers change; promotes acme\/candidate faq 0.1.0 → 0.2.0/,
    )
  })

  it.each([
    [
      'a bundle that its gates refuse',
      () => clone.write({ 'bundles/faq/templates/answer.j2': '{{ constructor }}\n' }),
      /^failed (?:\d+ errors, first )?[A-Z_]+ bundles\/faq\//,
    ],
    [
      'a link in the place of a file',
      async () => {
        await clone.git('git rm -q tenants/acme/keys.yaml')
        await symlink('/etc/passwd', join(clone.root, 'tenants/acme/keys.yaml'))
      },
      /^failed PATH_INVALID tenants\/acme/,
    ],
    [
      'keys and roles of its own, which count for nothing',
      () => writeFile(join(clone.root, 'governance/roles.yaml'), 'principals: []\nroles: []\n'),
      /^(?:failed|success) .*(?:GOVERNANCE_NOT_APPROVED|governance)/,
    ],
  ])('with %s is told so', async (_what, change, told_) => {
    await change()
    const head = await open()
    await start()
    expect(await verdictOf(head)).toMatch(told_)
  })

  it('that shares nothing with main fails, and holds up no other', async () => {
    await clone.git('git switch -q --orphan stranger')
    const stranger = await open()
    await clone.git('git switch -q work')
    const empty = await open()
    await start()
    expect(await verdictOf(stranger)).toMatch(/^failed PULL_UNRELATED/)
    expect(await verdictOf(empty)).toBe('success Passes; moves no alias.')
  })

  it('is not looked at where judging them is not switched on', async () => {
    const head = await open()
    const { reconcileNow } = await start({}, null)
    await reconcileNow()
    await reconcileNow()
    expect(of(head)).toEqual([])
  })

  it('is not looked at where there are enough that are newer, and is judged once', async () => {
    const older = await open()
    const newer = await open()
    await start({}, { max: 1 })
    await verdictOf(newer)
    await controller?.stop()
    const asked = forge.requests.length
    await start({}, { max: 1 })
    const newest = await open()
    await verdictOf(newest)
    expect(of(older)).toEqual([])
    expect(forge.requests.slice(asked).filter(({ path }) => path.endsWith(newer))).toEqual([])
  })

  it('over HTTP is fetched into a mirror of its own, and one that is too large fails alone', async () => {
    await clone.write(faqFiles(NEXT))
    const good = await open()
    await writeFile(join(clone.root, 'noise'), Buffer.alloc(5 * 1024 * 1024))
    const large = await open()
    http = await serveGit({ root: clone.registry.folder })
    await start(
      { registry: `${http.url}/registry.git`, stateDir: join(clone.registry.folder, 'state-http') },
      { max: 2 },
    )
    expect(await verdictOf(large)).toMatch(/^failed REMOTE_INVALID/)
    expect(await verdictOf(good)).toMatch(/^success faq: [1-9]\d*\/\d+ answers change/)
    const refs = execFileSync('git', ['-C', join(clone.registry.folder, 'state-http/mirror'), 'for-each-ref'], {
      encoding: 'utf8',
    })
    expect(refs).not.toContain('refs/pull/')
  })
})
