import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ControllerConfig } from '../../../controller/config.ts'
import { openEvents, type ControllerEvent } from '../../../controller/events.ts'
import { NO_FORGE } from '../../../controller/forge/config.ts'
import { MAIN_REF } from '../../../controller/promotion/read-main.ts'
import { startController, type RunningController } from '../../../controller/start.ts'
import { eventually } from '../../support/eventually.ts'
import { serveForge, type ForgeServer } from '../../support/forge-server.ts'
import { sealingSandbox } from '../../support/sealing-sandbox.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../../support/test-registry.ts'

const TOKEN = 'token-canary-0123456789'

describe('the status of a commit of main', () => {
  let registry: TestRegistry
  let server: ForgeServer
  let controller: RunningController | null = null
  let told: ControllerEvent[]

  beforeEach(async () => {
    registry = await openTestRegistry()
    server = await serveForge()
    told = []
  })
  afterEach(async () => {
    await controller?.stop()
    await server.close()
    await registry.close()
    expect(JSON.stringify(told)).not.toContain(TOKEN)
  })

  async function start(): Promise<RunningController> {
    const config: ControllerConfig = {
      registry: registry.location,
      registryToken: null,
      root: registry.root,
      controllerKeyFile: registry.keyFiles.controller,
      heartbeatKeyFile: registry.keyFiles.heartbeat,
      stateDir: join(registry.folder, 'state'),
      host: '127.0.0.1',
      port: 0,
      pollIntervalMs: 100,
      heartbeatIntervalMs: 60_000,
      heartbeatValidMs: 600_000,
      operatorKey: null,
      forge: {
        ...NO_FORGE,
        api: { kind: 'github', api: server.url, project: 'acme/registry', token: TOKEN },
        publicUrl: 'https://contractor.example',
      },
    }
    const events = openEvents(() => new Date())
    events.subscribe((event) => told.push(event))
    controller = await startController(config, { events, sandbox: sealingSandbox() })
    return controller
  }

  /** The last status that a commit got, once it is of this state. */
  async function statusOf(commit: string, state: string): Promise<unknown> {
    const last = () => server.requests.findLast(({ path }) => path.endsWith(`/statuses/${commit}`))?.body
    return eventually(
      async () => last(),
      (body) => body?.['state'] === state,
    ).catch((error: unknown) => {
      const all = server.requests.map(({ path, body }) => `${path} ${String(body['state'])}`)
      throw new Error(`${commit} is not ${state}; asked: ${all.join(', ')}; told: ${JSON.stringify(told)}`, {
        cause: error,
      })
    })
  }

  it('says what was refused and why, and that all of it is in force when it is', async () => {
    await start()
    const bundle = tinyBundle('faq', '1.0.0')
    const digest = digestOf('faq', bundle)
    const shop = { 'tenants/shop/tenant.yaml': 'status: active\n' }
    const good = await registry.commit({ ...bundle, ...shop })
    expect(await statusOf(good, 'success')).toMatchObject({
      context: 'contractor/main',
      target_url: 'https://contractor.example/',
    })
    const wrong = await registry.commit({
      'tenants/shop/aliases/candidate.yaml': aliasFile('faq', '1.0.0', `sha256:${'0'.repeat(64)}`),
    })
    expect(await statusOf(wrong, 'failure')).toMatchObject({
      description: expect.stringContaining('shop/candidate DIGEST_MISMATCH') as unknown,
    })
    // A commit that changes nothing of it is as wrong as the one before.
    const after = await registry.commit({ 'README.md': 'hello\n' })
    await statusOf(after, 'failure')
    const corrected = await registry.commit({
      'tenants/shop/aliases/candidate.yaml': aliasFile('faq', '1.0.0', digest),
    })
    await statusOf(corrected, 'success')
    const waits = await registry.commit({ 'tenants/shop/aliases/current.yaml': aliasFile('faq', '1.0.0', digest) })
    expect(await statusOf(waits, 'pending')).toMatchObject({
      description: expect.stringContaining('shop/current APPROVAL_MISSING') as unknown,
    })
  })

  it('says that main was rewritten, and what the controller cannot judge', async () => {
    await start()
    const first = await registry.commit({ 'tenants/shop/tenant.yaml': 'status: active\n' })
    await statusOf(first, 'success')
    const rewritten = await registry.commit({ 'registry.yaml': 'registry: acme\n' }, { parents: [] })
    expect(await statusOf(rewritten, 'failure')).toMatchObject({
      description: expect.stringContaining('MAIN_REWRITTEN') as unknown,
    })
    await registry.repository.updateRefs([{ ref: MAIN_REF, old: rewritten, new: first }])
    await statusOf(first, 'success')
  })

  it('arrives after a start where the forge was away before', async () => {
    server.answer = () => ({ status: 503, headers: { 'retry-after': '30' } })
    await start()
    const commit = await registry.commit({ 'tenants/shop/tenant.yaml': 'status: active\n' })
    await eventually(
      async () => told.some((event) => event.type === 'fault' && event.reason_code === 'FORGE_UNAVAILABLE'),
      (known) => known,
    )
    await controller?.reconcileNow()
    await controller?.stop()
    server.answer = () => ({ status: 201 })
    await start()
    await statusOf(commit, 'success')
  })
})
