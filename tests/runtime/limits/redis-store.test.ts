import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@redis/client'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLimiter } from '../../../runtime/http/limiter.ts'
import { createLog } from '../../../runtime/http/log.ts'
import { createQuotas, OWN_COUNTERS, USER_CELLS } from '../../../runtime/http/quota.ts'
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

  it('holds days and months of keys and users, and no made-up user escapes or takes another’s place', async () => {
    const [one, two] = [await open(), await open()]
    const policy = { perTenant: 100_000, perKey: null, perUser: 100_000 }
    const quota = { per_user_per_day: 2, per_key_per_month: 7, per_day: 30 }
    const mia = { policy, quota, user: 'mia' }
    const both = await Promise.all([takes(one, 4, mia), takes(two, 4, mia)])
    expect(both[0] + both[1]).toBe(2)
    expect(await one.take(request(mia))).toMatchObject({ isAllowed: false, refusedBy: 'quota', limit: 2 })
    expect(await takes(one, 4, { ...mia, user: 'leo' })).toBe(2)
    expect(await takes(one, 9, { ...mia, user: null })).toBe(3)
    expect(await two.take(request({ ...mia, user: null }))).toMatchObject({ isAllowed: false, limit: 7 })
    const client = createClient({ url: redis.url })
    await client.connect()
    const found = (await client.keys('*:day:*:parts'))[0] as string
    // As if so many others had asked before: what comes now shares counters, and mia keeps hers.
    const others = Object.fromEntries(Array.from({ length: OWN_COUNTERS }, (_, n) => [`user:${n}`, '1']))
    await client.hSet(found, others)
    const flood = { policy, quota: { per_user_per_day: 1, per_day: 3_000 }, keyId: 'k2' }
    let let1 = 0
    for (let n = 0; n < 3_000; n += 1) let1 += Number((await one.take(request({ ...flood, user: `x${n}` }))).isAllowed)
    expect(let1).toBeGreaterThan(USER_CELLS / 2)
    expect(let1).toBeLessThanOrEqual(USER_CELLS)
    expect(await client.hLen(found)).toBeLessThanOrEqual(OWN_COUNTERS + USER_CELLS + 4)
    expect(await client.hGetAll(found)).toMatchObject({ 'key:k1': '7', 'user:0': '1' })
    expect((await one.take(request({ ...mia, keyId: 'k3' }))).isAllowed).toBe(false)
    const total = { ...flood, quota: { ...flood.quota, per_day: let1 + 7 }, user: null }
    expect(await one.take(request(total))).toMatchObject({ isAllowed: false, limit: let1 + 7 })
    client.destroy()
  })

  it('decides as the memory of one process does, whatever the limits', async () => {
    const counters = await open()
    const now = () => new Date()
    let turn = 0
    const limit = fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined })
    const names = [
      'per_day',
      'per_month',
      'per_key_per_day',
      'per_key_per_month',
      'per_user_per_day',
      'per_user_per_month',
    ]
    const asks = fc.record({ keyId: fc.constantFrom('k1', 'k2'), user: fc.constantFrom(null, 'mia', 'leo') })
    await fc.assert(
      fc.asyncProperty(
        fc.array(limit, { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        fc.array(asks, { maxLength: 12 }),
        async (limits, perTenant, requests) => {
          const tenant = `t${(turn += 1)}`
          const given = names.map((name, at) => [name, limits[at]]).filter(([, value]) => value !== undefined)
          const quota = Object.fromEntries(given) as LimitRequest['quota']
          const local = createMemoryStore({ limiter: createLimiter(() => 0, 5), quotas: createQuotas(), now })
          for (const subject of requests) {
            const asked = { ...subject, tenant, quota, policy: { perTenant, perKey: 6, perUser: 5 } }
            const [here, there] = [await local.take(asked), await counters.take(asked)]
            expect({ ...there, retryAfterS: 0 }).toEqual({ ...here, retryAfterS: 0 })
          }
        },
      ),
      { numRuns: 60 },
    )
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
