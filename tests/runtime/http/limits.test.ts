import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { executeLimits } from '../../../runtime/http/limit-policy.ts'
import { createLimiter } from '../../../runtime/http/limiter.ts'
import { SlidingWindow } from '../../../runtime/http/sliding-window.ts'
import { faultReason } from '../../support/fault-reason.ts'
import {
  anExecution,
  apiKey,
  ask,
  scriptedBundle,
  servedBundle,
  servedTenant,
  tenantState,
  testRuntime,
  type TestRuntime,
} from '../../support/runtime-app.ts'

const perMinute = (perTenant: number, perUser = 6000, perKey: number | null = null) => ({ perTenant, perKey, perUser })
const caller = { tenant: 'acme', keyId: 'k1', user: null }

describe('a sliding minute', () => {
  it('counts an event for exactly a minute', () => {
    const window = new SlidingWindow(60_000)
    window.add(1_000)
    expect(window.count(60_999)).toBe(1)
    expect(window.count(61_000)).toBe(0)
  })

  it('never lets more than the limit into any minute, and never refuses what fits', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 20 }), (waits, limit) => {
        const limiter = createLimiter(() => now, 1)
        const taken: number[] = []
        let now = 0
        for (const wait of waits) {
          now += wait
          const counting = taken.filter((at) => at > now - 60_000).length
          const verdict = limiter.take(caller, perMinute(limit))
          expect(verdict.isAllowed).toBe(counting < limit)
          if (verdict.isAllowed) {
            taken.push(now)
            expect(verdict.remaining).toBe(limit - counting - 1)
          }
        }
      }),
    )
  })

  it('is what a list of all times would be, however many come in it', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 20, maxLength: 300 })
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 400 }), (waits, limit) => {
        const window = new SlidingWindow(60_000)
        const times: number[] = []
        let now = 0
        for (const wait of waits) {
          now += wait
          window.add(now)
          times.push(now)
          const counting = times.filter((at) => at > now - 60_000)
          expect(window.count(now)).toBe(counting.length)
          const freed = counting[counting.length - limit]
          expect(window.waitMs(limit, now)).toBe(freed === undefined ? 0 : freed + 60_000 - now)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('says after how many seconds it lets the next one in', () => {
    let now = 0
    const limiter = createLimiter(() => now, 1)
    for (const at of [0, 10_000]) {
      now = at
      limiter.take(caller, perMinute(2))
    }
    now = 30_500
    expect(limiter.take(caller, perMinute(2))).toEqual({ isAllowed: false, limit: 2, remaining: 0, retryAfterS: 30 })
    now = 60_000
    expect(limiter.take(caller, perMinute(2)).isAllowed).toBe(true)
  })

  it('has a border that moves: a burst at its end is not doubled after it', () => {
    let now = 59_900
    const limiter = createLimiter(() => now, 1)
    for (let at = 0; at < 20; at += 1) limiter.take(caller, perMinute(20))
    now = 60_100
    expect(limiter.take(caller, perMinute(20)).isAllowed).toBe(false)
    now = 119_899
    expect(limiter.take(caller, perMinute(20)).isAllowed).toBe(false)
    now = 119_900
    expect(limiter.take(caller, perMinute(20)).isAllowed).toBe(true)
  })

  it('does not go back when the clock does', () => {
    const window = new SlidingWindow(60_000)
    window.add(50_000)
    window.add(10_000)
    expect(window.count(109_999)).toBe(2)
    expect(window.count(110_000)).toBe(0)
  })
})

describe('the limiter', () => {
  it('counts a tenant, its keys and its users apart, and takes nothing where one refuses', () => {
    const limiter = createLimiter(() => 0, 1)
    const policy = perMinute(10, 2, 3)
    const maria = { tenant: 'acme', keyId: 'k1', user: 'maria' }
    expect([1, 2, 3].map(() => limiter.take(maria, policy).isAllowed)).toEqual([true, true, false])
    expect(limiter.take({ ...maria, user: 'joao' }, policy).isAllowed).toBe(true)
    expect(limiter.take({ ...maria, user: 'ana' }, policy)).toMatchObject({ isAllowed: false, limit: 3 })
    expect(limiter.take({ ...maria, keyId: 'k2', user: null }, policy).remaining).toBe(2)
    expect(limiter.take({ tenant: 'globex', keyId: 'k1', user: 'maria' }, policy).isAllowed).toBe(true)
  })

  it('holds one counter for all invalid keys', () => {
    const limiter = createLimiter(() => 0, 3)
    limiter.take(caller, perMinute(10))
    const before = limiter.size()
    expect(Array.from({ length: 100_000 }, () => limiter.takeInvalid().isAllowed).filter(Boolean)).toHaveLength(3)
    expect(limiter.size()).toBe(before)
    expect(limiter.take(caller, perMinute(10)).remaining).toBe(8)
  })

  it('forgets who has not asked for a minute', () => {
    let now = 0
    const limiter = createLimiter(() => now, 1)
    for (let at = 0; at < 100; at += 1) limiter.take({ tenant: `t${at}`, keyId: 'k1', user: 'u' }, perMinute(10))
    expect(limiter.size()).toBeGreaterThan(200)
    now = 60_000
    limiter.sweep()
    expect(limiter.size()).toBe(1)
  })
})

describe('the limits of a tenant', () => {
  const policies = scriptedBundle({ rate_limit: { execute: { per_minute: 100, per_user_per_minute: 30 } } }).policies

  it('are the lowest of the bundle and tenant.yaml', () => {
    expect(executeLimits(tenantState(), policies)).toEqual({ perTenant: 100, perKey: null, perUser: 30 })
    const strict = tenantState({
      limits: { execute_per_minute: 50, execute_per_key_per_minute: 5, execute_per_user_per_minute: 3 },
    })
    expect(executeLimits(strict, policies)).toEqual({ perTenant: 50, perKey: 5, perUser: 3 })
    const loose = tenantState({ limits: { execute_per_minute: 5000, execute_per_user_per_minute: 99 } })
    expect(executeLimits(loose, policies)).toMatchObject({ perTenant: 100, perUser: 30 })
  })

  it('allow a user 20 requests a minute where nobody says', () => {
    const silent = scriptedBundle({ rate_limit: { execute: { per_minute: 100 } } }).policies
    expect(executeLimits(tenantState(), silent).perUser).toBe(20)
  })

  it('deny where the policy is missing or not a number', async () => {
    const missing = scriptedBundle({ rate_limit: undefined }).policies
    expect(await faultReason(() => executeLimits(tenantState(), missing))).toBe('POLICY_MISSING')
    for (const limit of [-1, 1.5, Number.NaN, '9' as unknown as number]) {
      const broken = tenantState({ limits: { execute_per_minute: limit } })
      expect(await faultReason(() => executeLimits(broken, policies))).toBe('POLICY_MISSING')
    }
  })
})

describe('POST /execute', () => {
  let runtime: TestRuntime
  const question = { input: { question: 'x' } }
  beforeEach(async () => {
    runtime = await testRuntime()
    const bundle = scriptedBundle({ rate_limit: { execute: { per_minute: 3 } } })
    runtime.tenants.set('acme', servedTenant({}, { current: servedBundle(bundle) }))
  })
  afterEach(() => runtime.close())

  it('says how much is left, and refuses with when to come back', async () => {
    const remaining = []
    for (let at = 0; at < 3; at += 1) {
      const response = await runtime.app.request('/execute', ask(question))
      expect(response.headers.get('x-ratelimit-limit')).toBe('3')
      remaining.push(response.headers.get('x-ratelimit-remaining'))
    }
    expect(remaining).toEqual(['2', '1', '0'])
    const refused = await runtime.app.request('/execute', ask(question))
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('60')
    expect(refused.headers.get('x-ratelimit-remaining')).toBe('0')
    expect(await refused.json()).toMatchObject({ reason_code: 'RATE_LIMITED' })
  })

  it('counts requests that are refused later', async () => {
    for (let at = 0; at < 3; at += 1) await runtime.app.request('/execute', ask('{'))
    expect((await runtime.app.request('/execute', ask(question))).status).toBe(429)
  })

  it('limits a good tenant no more when strangers send invalid keys (H20)', async () => {
    const answers = []
    for (let at = 0; at < 1200; at += 1) {
      const init = ask(question, { 'x-api-key': apiKey('acme', `k${at}`, 'f') })
      answers.push((await runtime.app.request('/execute', init)).status)
    }
    expect(answers.filter((status) => status === 401)).toHaveLength(1000)
    expect(answers.filter((status) => status === 429)).toHaveLength(200)
    expect((await runtime.app.request('/execute', ask(question))).status).toBe(200)
  })

  it('writes a tenant over its limit into bounded records', async () => {
    for (let at = 0; at < 50; at += 1) await runtime.app.request('/execute', ask(question))
    runtime.deps.denials.flush()
    expect((await runtime.records()).map(({ reason_code, count }) => [reason_code, count])).toEqual([
      ['ALLOWED', 1],
      ['ALLOWED', 1],
      ['ALLOWED', 1],
      ['RATE_LIMITED', 1],
      ['RATE_LIMITED', 46],
    ])
  })
})

describe('requests for the candidate', () => {
  let runtime: TestRuntime
  beforeEach(async () => {
    runtime = await testRuntime()
  })
  afterEach(() => runtime.close())

  const limitedTo = (per_minute: number) => servedBundle(scriptedBundle({ rate_limit: { execute: { per_minute } } }))
  async function execute(alias: string): Promise<[number, string | null, string | null]> {
    const { status, headers } = await runtime.app.request('/execute', ask({ input: { question: 'x' }, alias }))
    return [status, headers.get('x-ratelimit-limit'), headers.get('x-ratelimit-remaining')]
  }

  it('have the limit of its own policy, which leaves those for current alone', async () => {
    runtime.tenants.set('acme', servedTenant({}, { current: limitedTo(6000), candidate: limitedTo(2) }))
    expect(await execute('candidate')).toEqual([200, '2', '1'])
    expect(await execute('candidate')).toEqual([200, '2', '0'])
    expect(await execute('candidate')).toEqual([429, '2', '0'])
    expect(await execute('current')).toEqual([200, '6000', '5996'])
  })

  it('count among all requests of the tenant, whatever its own policy allows', async () => {
    runtime.tenants.set('acme', servedTenant({}, { current: limitedTo(1), candidate: limitedTo(6000) }))
    expect((await execute('candidate'))[0]).toBe(200)
    expect(await execute('candidate')).toEqual([429, '1', '0'])
    expect(await execute('current')).toEqual([429, '1', '0'])
  })

  it('have the lowest of its policy and of tenant.yaml', async () => {
    const limits = { execute_per_minute: 3 }
    runtime.tenants.set('acme', servedTenant({ limits }, { current: limitedTo(6000), candidate: limitedTo(50) }))
    expect((await execute('candidate'))[1]).toBe('3')
  })

  it('are denied where its policy has no limit', async () => {
    const candidate = servedBundle(scriptedBundle({ rate_limit: undefined }))
    runtime.tenants.set('acme', servedTenant({}, { candidate }))
    const response = await runtime.app.request('/execute', ask({ input: { question: 'x' }, alias: 'candidate' }))
    expect(await response.json()).toMatchObject({ status: 503, reason_code: 'POLICY_MISSING' })
    expect((await execute('current'))[0]).toBe(200)
  })

  it('that its policy refuses run nothing', async () => {
    let ran = 0
    await runtime.close()
    runtime = await testRuntime({
      execute: () => {
        ran += 1
        return anExecution()
      },
    })
    runtime.tenants.set('acme', servedTenant({}, { candidate: limitedTo(0) }))
    expect((await execute('candidate'))[0]).toBe(429)
    expect(ran).toBe(0)
  })
})
