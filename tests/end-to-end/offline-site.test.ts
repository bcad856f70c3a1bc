import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import { emptyEnvironment } from '../support/embedded.ts'
import { eventually } from '../support/eventually.ts'
import { openFollowedRegistry, type FollowedRegistry } from '../support/followed-registry.ts'
import { contractor, startServer, type Server } from '../support/program.ts'
import { apiKey, OPERATOR_KEY, storedKey } from '../support/runtime-app.ts'
import { temporaryFolder } from '../support/ssh-keygen.ts'

const run = promisify(execFile)
const LENIENT = { 'policies/rate_limit.yaml': 'execute: { per_minute: 1000000, per_user_per_minute: 1000000 }\n' }

type Exported = { file: string; lease: string | null; seq: number; sha256: string; bundles: number }
type Ready = { status: string; reason_code?: string; seq: number | null }

/** The office has the registry and the root key; the site has what is carried to it, and no network. */
describe('a site without a network', { timeout: 120_000 }, () => {
  let registry: FollowedRegistry
  let next: SealRecord
  let office: string
  let site: string
  let env: NodeJS.ProcessEnv
  let runtimes: Server[]

  beforeEach(async () => {
    registry = await openFollowedRegistry()
    office = await temporaryFolder()
    site = await temporaryFolder()
    env = await emptyEnvironment()
    runtimes = []
    const keys = [storedKey(apiKey('retail'), 'k1', ['execute'])]
    const seal = await registry.seal('1.0.0', LENIENT)
    next = await registry.seal('1.1.0', LENIENT)
    await registry.ledger.addTenant('retail', { keys, max_staleness: 'PT1S' })
    await registry.ledger.promote('retail', 'current', seal)
    await registry.publish()
    await writeFile(join(office, 'root.json'), JSON.stringify(registry.ledger.root))
    const clone = join(office, 'clone')
    await run('git', ['clone', '--quiet', registry.location, clone]).catch(() => undefined)
    await run('git', ['-C', clone, 'checkout', '--quiet', '--orphan', 'main'])
    await writeFile(join(clone, 'registry.yaml'), 'registry: acme\n')
  })
  afterEach(async () => {
    for (const runtime of runtimes) await runtime.stop()
    await registry.close()
    for (const folder of [office, site]) await rm(folder, { recursive: true, force: true })
  })

  async function exported(...options: string[]): Promise<Exported> {
    const args = ['export', '--registry', 'clone', '--trust', 'root.json', ...options, '--json']
    const { code, stdout, stderr } = await contractor(args, office, env)
    expect(code, stdout + stderr).toBe(0)
    return JSON.parse(stdout) as Exported
  }

  async function signedLease(lease: string | null): Promise<string> {
    const key = registry.ledger.keyFiles.get('root-0') ?? ''
    expect((await contractor(['root', 'sign', lease ?? '', '--key', key], office, env)).code).toBe(0)
    return lease ?? ''
  }

  /** The commands of the runbook. */
  async function carryToSite(transfer: Exported): Promise<void> {
    const bytes = await readFile(transfer.file)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(transfer.sha256)
    await mkdir(site, { recursive: true })
    await copyFile(transfer.file, join(site, 'in.bundle'))
    await run('git', ['init', '--quiet', '--bare', join(site, 'registry.git')])
    await run('git', ['-C', join(site, 'registry.git'), 'fetch', '--quiet', join(site, 'in.bundle'), '+refs/*:refs/*'])
  }

  async function bringLease(lease: string): Promise<void> {
    await copyFile(`${lease}.sig`, join(site, 'lease.json.sig'))
    await copyFile(lease, join(site, 'lease.json'))
  }

  async function startRuntime(state = 'state'): Promise<Server> {
    const runtime = await startServer(['runtime'], site, {
      ...env,
      CONTRACTOR_REGISTRY: join(site, 'registry.git'),
      CONTRACTOR_TRUST: join(office, 'root.json'),
      CONTRACTOR_STATE_DIR: join(site, state),
      CONTRACTOR_LEASE: join(site, 'lease.json'),
      CONTRACTOR_RUNTIME_PORT: '0',
      CONTRACTOR_OPERATOR_KEY: OPERATOR_KEY,
      CONTRACTOR_NODE: 'site-1',
      CONTRACTOR_POLL_INTERVAL_MS: '200',
    })
    runtimes.push(runtime)
    return runtime
  }

  const ready = async ({ url }: Server) => (await (await fetch(`${url}/readyz`)).json()) as Ready
  const becomes = (runtime: Server, wanted: Partial<Ready>) =>
    eventually(
      () => ready(runtime),
      (found) => Object.entries(wanted).every(([name, value]) => found[name as keyof Ready] === value),
      60_000,
    )
  async function ask({ url }: Server): Promise<{ status: number; version?: string; reason_code?: string }> {
    const headers = { 'content-type': 'application/json', 'x-tenant-id': 'retail', 'x-api-key': apiKey('retail') }
    const body = JSON.stringify({ input: { question: 'when will my card arrive' } })
    const response = await fetch(`${url}/execute`, { method: 'POST', headers, body })
    const said = (await response.json()) as { bundle?: { version: string }; reason_code?: string }
    return {
      status: response.status,
      ...(said.bundle === undefined ? {} : { version: said.bundle.version }),
      ...(said.reason_code === undefined ? {} : { reason_code: said.reason_code }),
    }
  }

  it('serves what was carried to it while a lease of the root lasts, follows the next transfer, and no older one', async () => {
    const first = await exported('--lease', 'PT12S', '--out', 'first.bundle')
    expect(first).toMatchObject({ seq: 2, bundles: 1 })
    await carryToSite(first)
    await bringLease(await signedLease(first.lease))
    const runtime = await startRuntime()
    await becomes(runtime, { status: 'ready', seq: 2 })
    expect(await ask(runtime)).toMatchObject({ status: 200, version: '1.0.0' })

    await becomes(runtime, { status: 'expired', seq: 2 })
    expect(await ask(runtime)).toMatchObject({ status: 503, reason_code: 'STALE' })

    await registry.ledger.promote('retail', 'current', next)
    await registry.publish()
    const second = await exported('--lease', 'P30D', '--out', 'second.bundle')
    await carryToSite(second)
    await bringLease(await signedLease(second.lease))
    await becomes(runtime, { status: 'ready', seq: 3 })
    expect(await ask(runtime)).toMatchObject({ status: 200, version: '1.1.0' })

    await carryToSite(first)
    await becomes(runtime, { reason_code: 'ROLLBACK_DETECTED', seq: 3 })
    expect(await ask(runtime)).toMatchObject({ status: 200, version: '1.1.0' })
    await runtime.stop()

    // A Runtime that remembers nothing knows from the lease that it is shown an old transfer.
    const fresh = await startRuntime('fresh')
    await becomes(fresh, { status: 'starting', reason_code: 'STALE' })
    expect((await ask(fresh)).status).toBe(503)
    await carryToSite(second)
    await becomes(fresh, { status: 'ready', seq: 3 })
  })

  it('is sent the bundles of one tenant where it serves no other', async () => {
    await registry.ledger.addTenant('wholesale')
    await registry.ledger.promote('wholesale', 'current', next)
    await registry.publish()
    expect((await exported('--out', 'all.bundle')).bundles).toBe(2)
    const { file, bundles } = await exported('--tenant', 'retail', '--out', 'retail.bundle')
    expect(bundles).toBe(1)
    const { stdout } = await run('git', ['bundle', 'list-heads', file])
    expect(stdout).toContain('refs/heads/live')
    expect(stdout).toContain('refs/tags/bundles/faq/1.0.0')
    expect(stdout).not.toContain('faq/1.1.0')
  })

  it('is sent nothing that a Runtime would refuse', async () => {
    const tag = await registry.repository.readRef('refs/tags/bundles/faq/1.1.0')
    await registry.setRef('refs/tags/bundles/faq/1.0.0', tag)
    await run('git', ['-C', join(office, 'clone'), 'fetch', '--quiet', '--force', 'origin', '+refs/tags/*:refs/tags/*'])
    const args = ['export', '--registry', 'clone', '--trust', 'root.json', '--out', 'bad.bundle', '--json']
    const refused = await contractor(args, office, env)
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { reason_code: 'TAG_CONFLICT' } })
    await expect(readFile(join(office, 'bad.bundle'))).rejects.toThrow('ENOENT')
  })
})
