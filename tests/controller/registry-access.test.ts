import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readControllerConfig } from '../../controller/config.ts'
import { openEvents, type ControllerEvent } from '../../controller/events.ts'
import { startController, type RunningController } from '../../controller/start.ts'
import { Fault } from '../../schemas/fault.ts'
import { eventually } from '../support/eventually.ts'
import { serveGit, type GitServer } from '../support/git-http-server.ts'
import { sealingSandbox } from '../support/sealing-sandbox.ts'
import { openTestRegistry, type TestRegistry } from '../support/test-registry.ts'

const PASSWORD = 'CANARY_password_7f3a91c2'
const BASIC = `Basic ${Buffer.from(`deploy:${PASSWORD}`).toString('base64')}`

describe('a registry behind a user and a password', () => {
  let registry: TestRegistry
  let server: GitServer
  let controller: RunningController | null = null
  let told: ControllerEvent[]

  beforeEach(async () => {
    registry = await openTestRegistry()
    server = await serveGit({ root: registry.folder, authorization: BASIC })
    told = []
    await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
    await writeFile(join(registry.folder, 'password'), `${PASSWORD}\n`)
  })
  afterEach(async () => {
    await controller?.stop()
    controller = null
    await server.close()
    await registry.close()
    for (const secret of [PASSWORD, BASIC.slice('Basic '.length)]) expect(JSON.stringify(told)).not.toContain(secret)
  })

  async function start(more: Record<string, string>): Promise<RunningController> {
    const config = readControllerConfig({
      CONTRACTOR_REGISTRY: `${server.url}/registry.git`,
      CONTRACTOR_TRUST: join(registry.folder, 'root.json'),
      CONTRACTOR_KEYS: registry.folder,
      CONTRACTOR_STATE_DIR: join(registry.folder, 'state'),
      CONTRACTOR_CONTROLLER_PORT: '0',
      CONTRACTOR_POLL_INTERVAL_MS: '200',
      ...more,
    })
    const events = openEvents(() => new Date())
    events.subscribe((event) => told.push(event))
    controller = await startController(config, { events, sandbox: sealingSandbox() })
    return controller
  }

  it('is followed and written to with both, the password from a file', async () => {
    const file = join(registry.folder, 'password')
    const { head } = await start({ CONTRACTOR_REGISTRY_USER: 'deploy', CONTRACTOR_REGISTRY_TOKEN_FILE: file })
    await registry.commit({ 'tenants/shop/tenant.yaml': 'status: active\n' })
    await eventually(
      async () => head().state.tenants.has('shop'),
      (known) => known,
    )
    expect(new Set(server.authorizations)).toEqual(new Set([BASIC]))
  })

  it.each([
    ['another user', { CONTRACTOR_REGISTRY_USER: 'other', CONTRACTOR_REGISTRY_TOKEN: PASSWORD }],
    ['no user', { CONTRACTOR_REGISTRY_TOKEN: PASSWORD }],
  ])('is refused with %s, in words that hold no secret', async (_who, more) => {
    const refusal = await start(more).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(Fault)
    expect(refusal).toMatchObject({ reason: 'REMOTE_REFUSED' })
    expect(String((refusal as Fault).stack)).not.toContain('CANARY')
  })
})
