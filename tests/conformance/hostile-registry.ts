import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { expect } from 'vitest'
import { readRuntimeConfig } from '../../runtime/config.ts'
import { startRuntime, type RunningRuntime } from '../../runtime/start.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import { ask } from '../support/execute.ts'
import { openFollowedRegistry, type FollowedRegistry } from '../support/followed-registry.ts'
import { serveGit, type GitServer } from '../support/git-http-server.ts'
import { apiKey, OPERATOR_KEY, storedKey } from '../support/runtime-app.ts'
import type { LedgerBuilder, Written } from '../support/ledger-builder.ts'

const FAST = { 'policies/rate_limit.yaml': 'execute: { per_minute: 1000000, per_user_per_minute: 1000000 }\n' }
const HEARTBEAT = 'refs/heads/heartbeat'
export const LIVE = 'refs/heads/live'
export const TENANT = 'retail'

/** What a Runtime says of itself over HTTP. */
export type Said = { status: string; reason_code?: string; seq: number; age_s: number }

/**
 * A Git server whose owner is hostile, and one Runtime that follows it. The Runtime is looked at through HTTP alone, and
 * serves what `ledger` says before and after every attack.
 */
export type HostileRegistry = {
  registry: FollowedRegistry
  ledger: LedgerBuilder
  server: GitServer
  runtime: RunningRuntime
  seals: readonly [SealRecord, SealRecord, SealRecord]
  /** `live` as it was one promotion ago. */
  earlier: () => Written
  /** Points `live` anywhere, with the heartbeat left as it is. */
  lead(oid: string | null): Promise<void>
  /** What an attack must leave behind: the reason, and nothing else that moved. */
  refused(reason: string): Promise<void>
  /** The same where a server does not let through what is new and right. */
  refusedOnTheWay(reason: string): Promise<void>
  /** The truth again, with one more promotion: which must be served. */
  recovers(): Promise<void>
  readyz(): Promise<Said>
  close(): Promise<void>
}

export async function openHostileRegistry(rules: Partial<Registry> = {}): Promise<HostileRegistry> {
  const dir = await mkdtemp(join(tmpdir(), 'hostile-'))
  const registry = await openFollowedRegistry(rules)
  const { ledger } = registry
  const seals = [
    await registry.seal('1.0.0', FAST),
    await registry.seal('1.1.0', FAST),
    await registry.seal('1.2.0', FAST),
  ] as const
  const server = await serveGit({ root: dirname(registry.location) })
  let earlier = ledger.head
  let log = ''
  const publish = async () => {
    for (const { bundle, version, tag_object } of seals)
      await registry.setRef(`refs/tags/bundles/${bundle}/${version}`, tag_object)
    await registry.setRef(LIVE, ledger.head.oid)
    await registry.setRef(HEARTBEAT, await ledger.heartbeat({ signedAt: new Date() }))
  }
  await ledger.addTenant(TENANT, { keys: [storedKey(apiKey(TENANT), 'k1', ['execute'])] })
  earlier = await ledger.promote(TENANT, 'current', seals[0])
  await ledger.promote(TENANT, 'current', seals[1])
  await publish()
  await writeFile(join(dir, 'root.json'), JSON.stringify(ledger.root))
  const config = readRuntimeConfig({
    CONTRACTOR_REGISTRY: `${server.url}/registry.git`,
    CONTRACTOR_TRUST: join(dir, 'root.json'),
    CONTRACTOR_STATE_DIR: join(dir, 'state'),
    CONTRACTOR_RUNTIME_PORT: '0',
    CONTRACTOR_OPERATOR_KEY: OPERATOR_KEY,
    CONTRACTOR_POLL_INTERVAL_MS: '3600000',
    CONTRACTOR_NODE: 'node-1',
  })
  const logDestination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString()
      done()
    },
  })
  const runtime = await startRuntime(config, { logDestination })

  const get = async (path: string) => (await fetch(`${runtime.url}${path}`)).json() as Promise<Said>
  const served = async () => {
    const { status, body } = await ask(
      runtime.url,
      { tenant: TENANT, api_key: apiKey(TENANT) },
      'when will my card arrive',
    )
    return status === 200 ? body.bundle.version : `${status} ${body.reason_code ?? ''}`
  }
  const holds = () => ledger.head.state.tenants.get(TENANT)?.aliases.current?.version

  /** Lets the Runtime look: what it serves, and the seq that it says, are these before and after. */
  async function keeps(look: () => Promise<void>, seq: number, version: string | undefined): Promise<Said> {
    const before = log.length
    await look()
    const said = await get('/readyz')
    expect({ seq: said.seq, served: await served() }).toEqual({ seq, served: version })
    expect(log.slice(before)).toContain('keeping the last good state')
    return said
  }

  return {
    registry,
    ledger,
    server,
    runtime,
    seals,
    earlier: () => earlier,
    lead: (oid) => registry.setRef(LIVE, oid),
    async refused(reason) {
      const said = await keeps(() => runtime.follower.sync(), ledger.head.seq, holds())
      expect(said).toMatchObject({ status: 'degraded', reason_code: reason })
      const status = await fetch(`${runtime.url}/status`, { headers: { 'x-api-key': OPERATOR_KEY } })
      expect(await status.json()).toMatchObject({ status: 'degraded', reason_code: reason, seq: ledger.head.seq })
      const metrics = await (await fetch(`${runtime.url}/metrics`)).text()
      expect(metrics).toContain(`contractor_ledger_trouble{reason_code="${reason}"} 1`)
    },
    async refusedOnTheWay(reason) {
      const before = log.length
      const [seq, version] = [ledger.head.seq, holds()]
      earlier = ledger.head
      await ledger.addTenant(`tenant-${ledger.head.seq}`)
      await publish()
      // A server that is away is no alarm before what is served grows old; the log names the reason.
      await keeps(() => runtime.follower.sync(), seq, version)
      expect(log.slice(before)).toContain(`"${reason}"`)
    },
    async recovers() {
      server.fault = null
      earlier = ledger.head
      const next = seals[(seals.findIndex(({ version }) => version === holds()) + 1) % seals.length] ?? seals[0]
      await ledger.promote(TENANT, 'current', next)
      await publish()
      await runtime.follower.sync()
      const said = await get('/readyz')
      expect(said).toMatchObject({ status: 'ready', seq: ledger.head.seq })
      expect(said.reason_code).toBeUndefined()
      expect(await served()).toBe(holds())
      const metrics = await (await fetch(`${runtime.url}/metrics`)).text()
      expect(metrics).not.toMatch(/^contractor_ledger_trouble\{/m)
    },
    readyz: () => get('/readyz'),
    async close() {
      await runtime.stop()
      await server.close()
      await registry.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
