import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLimiter } from '../../../runtime/http/limiter.ts'
import { createLog } from '../../../runtime/http/log.ts'
import { createQuotas } from '../../../runtime/http/quota.ts'
import type { LimitRequest } from '../../../runtime/limits/limit-store.ts'
import { createMemoryStore } from '../../../runtime/limits/memory-store.ts'
import { openRedisCounters, type RedisCounters } from '../../../runtime/limits/redis-store.ts'
import { createSharedStore, REST_MS } from '../../../runtime/limits/shared-store.ts'
import { eventually } from '../../support/eventually.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { HAS_REDIS, startRedis, type RedisServer } from '../../support/redis-server.ts'

const POLICY = { perTenant: 10, perKey: null, perUser: 20 }

function request(changes: Partial<LimitRequest> = {}): LimitRequest {
  return { tenant: 'acme', keyId: 'k1', user: null, policy: POLICY, quota: {}, ...changes }
}

describe.skipIf(!HAS_REDIS)('limits in Redis', () => {
  let redis: RedisServer
  let opened: RedisCounters[]
  let lines: string[]

  beforeEach(async () => {
    redis = await startRedis()
    opened = []
    lines = []
  })
  afterEach(async () => {
    for (const counters of opened) await counters.close()
    await redis.close()
  })

  async function open(commandTimeoutMs = 2_000, registry = 'acme'): Promise<RedisCounters> {
    const log = createLog('debug', { write: (line: string) => void lines.push(line) })
    const options = { url: redis.url, connectTimeoutMs: 5_000, commandTimeoutMs }
    const counters = await openRedisCounters(options, registry, log)
    opened.push(counters)
    return counters
  }

  const takes = async (counters: RedisCounters, count: number, changes: Partial<LimitRequest> = {}) => {
    const all = await Promise.all(Array.from({ length: count }, () => counters.take(request(changes))))
    return all.filter(({ isAllowed }) => isAllowed).length
  }

  it('is one window for two Runtimes, to the last request', async () => {
    const [one, two] = [await open(), await open()]
    const let1 = await Promise.all([takes(one, 20), takes(two, 20)])
    expect(let1[0] + let1[1]).toBe(10)
    const refused = await two.take(request())
    expect(refused).toMatchObject({ isAllowed: false, refusedBy: 'limit', limit: 10, remaining: 0 })
    expect(refused.retryAfterS).toBeGreaterThan(50)
    expect(refused.retryAfterS).toBeLessThanOrEqual(60)
  })

  it('counts tenants, keys and users each for themselves, and registries apart', async () => {
    const counters = await open()
    expect(await takes(counters, 12)).toBe(10)
    expect(await takes(counters, 12, { tenant: 'globex' })).toBe(10)
    expect(await takes(await open(2_000, 'other'), 12)).toBe(10)
    const policy = { perTenant: 100, perKey: 5, perUser: 3 }
    expect(await takes(counters, 12, { tenant: 'third', policy })).toBe(5)
    expect(await takes(counters, 12, { tenant: 'third', keyId: 'k2', user: 'mia', policy })).toBe(3)
    expect(await takes(counters, 12, { tenant: 'third', keyId: 'k3', user: 'leo', policy })).toBe(3)
    expect(await takes(counters, 12, { tenant: 'third', policy: { ...policy, perTenant: 0 } })).toBe(0)
  })

  it('slides: what was counted counts until exactly a minute after it, and the clock of Redis says when', async () => {
    const counters = await open()
    expect(await takes(counters, 10)).toBe(10)
    const client = createClient({ url: redis.url })
    await client.connect()
    // Instead of a minute's wait, what was counted is moved into the past: eight of ten by a minute, two by 59 seconds.
    const [times, counts] = ['contractor:acme:{acme}:tenant:t', 'contractor:acme:{acme}:tenant:c'] as const
    const now = Date.now()
    await client.del([times, counts])
    for (const [at, count] of [
      [now - 60_000, 8],
      [now - 59_000, 2],
    ] as const) {
      await client.zAdd(times, { score: at, value: String(at) })
      await client.hSet(counts, String(at), count)
    }
    await client.hSet(counts, 'n', 10)
    expect(await takes(counters, 10)).toBe(8)
    expect((await counters.take(request())).retryAfterS).toBe(1)
    await sleep(1_050)
    expect(await takes(counters, 10)).toBe(2)
    client.destroy()
  })

  it('holds days and months, over a restart of Redis', async () => {
    const counters = await open()
    const policy = { perTenant: 1_000, perKey: null, perUser: 1_000 }
    expect(await takes(counters, 9, { policy, quota: { per_day: 4 } })).toBe(4)
    await redis.signal('SIGKILL')
    expect(await faultReason(() => counters.take(request()))).toBe('LIMITS_UNAVAILABLE')
    await redis.start()
    const again = async () => counters.take(request({ policy, quota: { per_day: 4 } })).catch(() => null)
    const outcome = await eventually(again, (found) => found !== null)
    expect(outcome).toMatchObject({ isAllowed: false, refusedBy: 'quota', limit: 4 })
    const month = await counters.take(request({ policy, quota: { per_month: 4 } }))
    expect(month).toMatchObject({ isAllowed: false, refusedBy: 'quota', limit: 4 })
    const today = new Date()
    const left = (Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1) - today.getTime()) / 1000
    expect(Math.abs(month.retryAfterS - left)).toBeLessThan(60)
  })

  it('waits no longer than its time-out for a Redis that does not answer', async () => {
    const counters = await open(100)
    await counters.take(request())
    await redis.signal('SIGSTOP')
    const from = performance.now()
    expect(await faultReason(() => counters.take(request()))).toBe('LIMITS_UNAVAILABLE')
    expect(performance.now() - from).toBeLessThan(2_000)
    await redis.signal('SIGCONT')
  })

  it('denies while Redis is away, or counts alone where the registry says so, and never without a limit', async () => {
    let rule: 'deny' | 'allow' = 'deny'
    let nowMs = 0
    const now = () => new Date()
    const local = createMemoryStore({ limiter: createLimiter(() => nowMs, 5), quotas: createQuotas(), now })
    const counters = await open()
    const store = createSharedStore({ counters, local, onFailure: () => rule, monotonicMs: () => nowMs })
    const take = async () => (await store.take(request())).isAllowed
    expect(await take()).toBe(true)
    rule = 'allow'
    for (let turn = 0; turn < 3; turn += 1) expect(await take()).toBe(true)
    expect(store.status()).toEqual({ store: 'redis', healthy: true, fallback: false, failures: 0 })
    await redis.signal('SIGKILL')
    const alone = await Promise.all(Array.from({ length: 20 }, take))
    // Three of ten were let through while it was asked to count along.
    expect(alone.filter(Boolean)).toHaveLength(7)
    expect(store.status()).toMatchObject({ healthy: false, fallback: true, failures: 20 })
    rule = 'deny'
    expect(await faultReason(async () => store.take(request()))).toBe('LIMITS_UNAVAILABLE')
    expect(store.status()).toMatchObject({ healthy: false, fallback: false })
    await redis.start()
    nowMs += REST_MS
    const back = async () => {
      nowMs += REST_MS
      return store.take(request()).catch(() => null)
    }
    await eventually(back, (found) => found !== null)
    expect(store.status().healthy).toBe(true)
  })

  it('keeps no name of a user, and says its password nowhere', async () => {
    const counters = await open()
    await counters.take(request({ user: 'CANARY-user-91' }))
    const client = createClient({ url: redis.url })
    await client.connect()
    const keys = await client.keys('*')
    client.destroy()
    expect(keys.length).toBeGreaterThan(3)
    expect(keys.every((key) => key.startsWith('contractor:acme:{acme}:'))).toBe(true)
    expect(JSON.stringify(keys)).not.toContain('CANARY')
    await redis.signal('SIGKILL')
    await eventually(
      async () => lines.length,
      (count) => count > 0,
    )
    const said = await counters.take(request()).catch((error: Error) => `${error.message} ${String(error.cause)}`)
    expect(`${lines.join('')}${JSON.stringify(said)}`).not.toContain(redis.password)
  })
})
