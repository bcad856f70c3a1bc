import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControllerConfig } from '../../controller/config.ts'
import type { ControllerEvent } from '../../controller/events.ts'
import { openEvents } from '../../controller/events.ts'
import { NO_FORGE } from '../../controller/forge/config.ts'
import { startController, type RunningController } from '../../controller/start.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { bundleSource } from '../support/bundle-source.ts'
import { eventually } from '../support/eventually.ts'
import { faultReason } from '../support/fault-reason.ts'
import { aliasFile, openTestRegistry, type FileChanges, type TestRegistry } from '../support/test-registry.ts'

const files = (changes: Parameters<typeof bundleSource>[0] = {}): FileChanges =>
  Object.fromEntries([...bundleSource(changes)].map(([path, body]) => [`bundles/faq/${path}`, body.toString()]))

describe('a controller', () => {
  let registry: TestRegistry
  let config: ControllerConfig
  let controller: RunningController | null = null
  let told: ControllerEvent[]

  beforeEach(async () => {
    registry = await openTestRegistry()
    told = []
    config = {
      registry: registry.location,
      registryToken: null,
      root: registry.root,
      controllerKeyFile: registry.keyFiles.controller,
      heartbeatKeyFile: registry.keyFiles.heartbeat,
      stateDir: join(registry.folder, 'state'),
      host: '127.0.0.1',
      port: 0,
      pollIntervalMs: 200,
      heartbeatIntervalMs: 60_000,
      heartbeatValidMs: 600_000,
      operatorKey: null,
      forge: NO_FORGE,
    }
  })
  afterEach(async () => {
    await controller?.stop()
    await registry.close()
  })

  async function start(): Promise<RunningController> {
    const events = openEvents(() => new Date())
    events.subscribe((event) => told.push(event))
    controller = await startController(config, { events })
    return controller
  }

  const decided = (reason: string) =>
    eventually(
      async () => told.flatMap((event) => (event.type === 'live' ? event.decisions : [])),
      (decisions) => decisions.some(({ reason_code }) => reason_code === reason),
    ).then((decisions) => decisions.find(({ reason_code }) => reason_code === reason)!)

  it('judges a real bundle by the real gates in their child process, and serves over HTTP what it sealed', async () => {
    const { url } = await start()
    const { digest } = compileBundle(bundleSource(), 1)
    await registry.commit({
      ...files(),
      'tenants/shop/tenant.yaml': 'status: active\n',
      'tenants/shop/aliases/candidate.yaml': aliasFile('faq', '1.0.0', digest),
    })
    const promoted = await decided('PROMOTED')
    expect(promoted).toMatchObject({ subject: 'shop/candidate', to: { bundle: 'faq', version: '1.0.0', digest } })
    expect(promoted.gates?.passed).toBe(promoted.gates?.ran)
    expect(promoted.gates?.ran).toBeGreaterThan(8)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    await eventually(
      async () => (await fetch(`${url}/readyz`)).status,
      (status) => status === 200,
    )
  })

  it('refuses a bundle that fails its gates with the place, and goes on with the next', async () => {
    await start()
    await registry.commit(files({ 'templates/card_lost.j2': '{{ range.constructor("x")() }}\n' }))
    const refused = await decided('TEMPLATE_INVALID')
    expect(refused).toMatchObject({ subject: 'bundles/faq/1.0.0', decision: 'deny' })
    expect(refused.message).toContain('bundles/faq/templates/card_lost.j2:1:')
    await registry.commit(files())
    await decided('SEALED')
  })

  it('goes on where it stopped', async () => {
    await start()
    await registry.commit(files())
    await decided('SEALED')
    const { seq } = controller!.head()
    await controller!.stop()
    const again = await start()
    expect(again.head().seq).toBe(seq)
    await again.reconcileNow()
    expect(again.head().seq).toBe(seq)
  })

  it('does not start without a ledger, with another root, on a port that is taken or with an open key file', async () => {
    const first = await start()
    expect(
      await faultReason(() => startController({ ...config, port: first.port, stateDir: join(registry.folder, 'b') })),
    ).toBe('PORT_TAKEN')
    const root = { ...registry.root, genesis: '1'.repeat(40) }
    expect(await faultReason(() => startController({ ...config, root, stateDir: join(registry.folder, 'c') }))).toBe(
      'UNTRUSTED',
    )
    const missing = join(registry.folder, 'nothing')
    expect(await faultReason(() => startController({ ...config, controllerKeyFile: missing }))).toBe('CONFIG_INVALID')
    expect(await faultReason(() => startController({ ...config, registry: missing }))).toBe('NOT_FOUND')
  })
})
