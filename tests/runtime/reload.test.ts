import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readRuntimeConfig } from '../../runtime/config.ts'
import { reread } from '../../runtime/reload.ts'
import { eventually } from '../support/eventually.ts'
import { ask, openWorkerWorld, type Started, type WorkerWorld } from '../support/running-workers.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

const BASE = { CONTRACTOR_REGISTRY: '/r', CONTRACTOR_TRUST: '/t' }

describe('a configuration that is read again', () => {
  it('holds where it may, and names what waits for a restart', () => {
    const before = readRuntimeConfig({ ...BASE, CONTRACTOR_RUNTIME_PORT: '1' })
    const next = readRuntimeConfig({ ...BASE, CONTRACTOR_RUNTIME_PORT: '2', CONTRACTOR_LOG_LEVEL: 'debug' })
    const { config, changed, waiting } = reread(before, next)
    expect(changed).toEqual(['logLevel'])
    expect(waiting).toEqual(['port'])
    expect(config).toEqual({ ...before, logLevel: 'debug' })
  })

  it('does not go from one store of limits to another', () => {
    const redis = { CONTRACTOR_LIMITS_STORE: 'redis', CONTRACTOR_REDIS_URL: 'redis://one' }
    const before = readRuntimeConfig({ ...BASE, ...redis })
    const other = reread(before, readRuntimeConfig({ ...BASE, ...redis, CONTRACTOR_REDIS_URL: 'redis://two' }))
    expect(other.changed).toEqual(['limits'])
    expect(reread(before, readRuntimeConfig(BASE)).waiting).toEqual(['limits'])
  })
})

describe.each(['1', '2'])('SIGHUP to a Runtime of %s process(es)', (workers) => {
  let world: WorkerWorld
  let file: string
  beforeEach(async () => {
    world = await openWorkerWorld()
    file = join(world.dir, 'settings')
  })
  afterEach(() => world.close())

  const told = ({ errors }: Started, text: string) =>
    eventually(
      async () => errors().split(text).length - 1,
      (count) => count > 0,
    )

  it('takes the new settings under load, keeps the old ones where the new are wrong, and says why', async () => {
    await writeFile(file, `# settings\nCONTRACTOR_MAX_BODY_BYTES=4096\n`)
    const key = join(world.dir, 'key')
    await writeFile(key, 'first-operator-key-of-the-tests-0123')
    const runtime = await world.start({
      CONTRACTOR_WORKERS: workers,
      CONTRACTOR_SETTINGS: file,
      CONTRACTOR_OPERATOR_KEY_FILE: key,
    })
    const withKey = (operator: string) =>
      fetch(`${runtime.url}/status`, { headers: { 'x-api-key': operator, connection: 'close' } })
    expect((await withKey('first-operator-key-of-the-tests-0123')).status).toBe(200)

    await writeFile(file, 'CONTRACTOR_MAX_BODY_BYTES=many\n')
    runtime.child.kill('SIGHUP')
    await told(runtime, 'the one before stays')
    expect(runtime.errors()).toContain('CONTRACTOR_MAX_BODY_BYTES')
    expect((await ask(runtime.url)).status).toBe(200)

    await writeFile(file, 'CONTRACTOR_MAX_BODY_BYTES=1024\nCONTRACTOR_POLL_INTERVAL_MS=77\n')
    await writeFile(key, 'second-operator-key-of-the-tests-012')
    runtime.child.kill('SIGHUP')
    await told(runtime, 'needs a restart')
    expect(runtime.errors()).toContain('"settings":"pollIntervalMs"')
    for (let turn = 0; turn < 6; turn += 1) {
      expect((await withKey('first-operator-key-of-the-tests-0123')).status).toBe(401)
      expect((await withKey('second-operator-key-of-the-tests-012')).status).toBe(200)
      const long = await ask(runtime.url, 'retail', {}, 'x'.repeat(2_000))
      expect(long.body.reason_code).toBe('PAYLOAD_TOO_LARGE')
    }
    expect(runtime.errors()).not.toContain('operator-key-of')
  })
})
