import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { HAS_REDIS, startRedis, type RedisServer } from '../../support/redis-server.ts'
import {
  allowed,
  ask,
  asks,
  FAST,
  metricsOf,
  openWorkerWorld,
  statusOf,
  type WorkerWorld,
} from '../../support/running-workers.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

describe.skipIf(!HAS_REDIS)('a Runtime whose limits are in Redis', () => {
  let world: WorkerWorld
  let redis: RedisServer
  beforeEach(async () => {
    redis = await startRedis()
    world = await openWorkerWorld()
  })
  afterEach(async () => {
    await world.close()
    await redis.close()
  })

  it('shares them among its workers, denies while it is away, and finds them again', async () => {
    await world.addTenant('small', { limits: { execute_per_minute: 10 } })
    await world.registry.ledger.promote('small', 'current', await world.registry.seal('1.0.1', FAST))
    await world.publish()
    const limits = {
      CONTRACTOR_LIMITS_STORE: 'redis',
      CONTRACTOR_REDIS_URL: redis.url,
      CONTRACTOR_REDIS_TIMEOUT_MS: '2000',
    }
    const runtime = await world.start(limits)
    expect(allowed(await asks(runtime.url, 30, 'small'))).toBe(10)
    expect((await statusOf(runtime.url)).limits).toMatchObject({ store: 'redis', healthy: true })
    await redis.signal('SIGKILL')
    const denied = await asks(runtime.url, 6)
    expect(new Set(denied.map(({ status, body }) => `${status} ${body.reason_code}`))).toEqual(
      new Set(['503 LIMITS_UNAVAILABLE']),
    )
    expect(await metricsOf(runtime.url)).toContain('contractor_limits_store_healthy 0')
    await redis.start()
    await eventually(
      async () => (await ask(runtime.url)).status,
      (status) => status === 200,
    )
    expect((await ask(runtime.url, 'small')).status).toBe(429)
    expect(runtime.errors()).not.toContain(redis.password)
  })
})
