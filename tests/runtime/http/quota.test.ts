import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../../runtime/audit/log.ts'
import { logFolders } from '../../../runtime/audit/read-log.ts'
import { createQuotas, OWN_COUNTERS, USER_CELLS, type Quota } from '../../../runtime/http/quota.ts'
import { openQuotaMemory } from '../../../runtime/http/quota-memory.ts'
import { aRecord } from '../../support/audit-record.ts'
import { ask, scriptedBundle, servedBundle, servedTenant, testRuntime } from '../../support/runtime-app.ts'

const at = (text: string) => new Date(text)

function counting(quotas = createQuotas()) {
  return {
    take: (tenant: string, quota: Quota, now: Date, { keyId = 'k1', user = null as string | null } = {}) => {
      const verdict = quotas.look({ tenant, keyId, user }, quota, now)
      if (verdict.isAllowed) quotas.count({ tenant, keyId, user }, quota, now)
      return verdict
    },
  }
}

describe('a quota', () => {
  it('is that of the UTC day, and says when the next begins', () => {
    const quotas = counting()
    const evening = at('2026-08-01T23:00:00Z')
    expect([1, 2, 3].map(() => quotas.take('acme', { per_day: 2 }, evening).isAllowed)).toEqual([true, true, false])
    expect(quotas.take('acme', { per_day: 2 }, evening)).toEqual({
      isAllowed: false,
      limit: 2,
      remaining: 0,
      retryAfterS: 3600,
    })
    expect(quotas.take('acme', { per_day: 2 }, at('2026-08-02T00:00:00Z')).isAllowed).toBe(true)
  })

  it('of a month outlasts its days', () => {
    const quotas = counting()
    const quota = { per_day: 2, per_month: 3 }
    for (const day of ['2026-01-29', '2026-01-29', '2026-01-30']) quotas.take('acme', quota, at(`${day}T12:00:00Z`))
    expect(quotas.take('acme', quota, at('2026-01-31T12:00:00Z'))).toMatchObject({
      isAllowed: false,
      limit: 3,
      retryAfterS: 43_200,
    })
    expect(quotas.take('acme', quota, at('2026-02-01T00:00:00Z')).isAllowed).toBe(true)
  })

  it('is each tenant’s own, and not given back by a clock that goes back', () => {
    const quotas = counting()
    quotas.take('acme', { per_day: 1 }, at('2026-08-02T12:00:00Z'))
    expect(quotas.take('globex', { per_day: 1 }, at('2026-08-02T12:00:00Z')).isAllowed).toBe(true)
    expect(quotas.take('acme', { per_day: 1 }, at('2026-08-01T12:00:00Z')).isAllowed).toBe(false)
  })

  it('of a key and of a user is its own; who names no user has none', () => {
    const quotas = counting()
    const now = at('2026-08-02T12:00:00Z')
    const quota = { per_day: 100, per_key_per_day: 4, per_user_per_month: 2 }
    const allowed = (who: { keyId?: string; user?: string }) =>
      Array.from({ length: 6 }, () => quotas.take('acme', quota, now, who)).filter(({ isAllowed }) => isAllowed).length
    expect(allowed({ user: 'mia' })).toBe(2)
    expect(allowed({ keyId: 'k2', user: 'mia' })).toBe(0)
    expect(allowed({ keyId: 'k2', user: 'leo' })).toBe(2)
    expect(allowed({})).toBe(2)
    expect(quotas.take('acme', quota, now)).toMatchObject({ isAllowed: false, limit: 4, retryAfterS: 43_200 })
    expect(quotas.take('acme', quota, at('2026-08-03T12:00:00Z')).isAllowed).toBe(true)
    expect(quotas.take('acme', quota, at('2026-08-03T12:00:00Z'), { user: 'mia' }).isAllowed).toBe(false)
    expect(quotas.take('acme', quota, at('2026-09-01T00:00:00Z'), { user: 'mia' }).isAllowed).toBe(true)
  })

  it('holds against 100,000 made-up users: bounded counters, nobody forgotten, the tenant’s own as before', () => {
    const quotas = createQuotas()
    const { take } = counting(quotas)
    const now = at('2026-08-02T12:00:00Z')
    const quota = { per_day: 90_000, per_user_per_day: 3 }
    const known = () => take('acme', quota, now, { user: 'known' }).isAllowed
    expect([known(), known()]).toEqual([true, true])
    let allowed = 0
    for (let n = 0; n < 100_000; n += 1) allowed += Number(take('acme', quota, now, { user: `made-up ${n}` }).isAllowed)
    // The first have a counter each; all that come later share so many, of three requests each.
    expect(allowed).toBe(OWN_COUNTERS - 2 + 3 * USER_CELLS)
    expect(quotas.counts().get('acme')?.ofDay.size).toBeLessThanOrEqual(OWN_COUNTERS + USER_CELLS + 1)
    expect([known(), known()]).toEqual([true, false])
    expect(take('globex', quota, now, { user: 'made-up 99999' }).isAllowed).toBe(true)
    expect(take('acme', { ...quota, per_day: allowed + 4 }, now).isAllowed).toBe(true)
    expect(take('acme', { ...quota, per_day: allowed + 4 }, now)).toMatchObject({ isAllowed: false })
  })

  it('has its border at UTC midnight, and never lets more through than the lowest, whoever asks and when', () => {
    const asks = fc.record({
      keyId: fc.constantFrom('k1', 'k2'),
      user: fc.constantFrom(null, 'mia', 'leo'),
      stepMs: fc.constantFrom(0, 1, 999, 3_600_000, 43_200_000, 86_399_999, 86_400_000),
    })
    const limit = fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined })
    const names = [
      'per_day',
      'per_month',
      'per_key_per_day',
      'per_key_per_month',
      'per_user_per_day',
      'per_user_per_month',
    ] as const
    const quotaOf = fc.tuple(limit, limit, limit, limit, limit, limit)
    fc.assert(
      fc.property(quotaOf, fc.array(asks, { maxLength: 60 }), (limits, requests) => {
        const quota = Object.fromEntries(
          names.map((name, index) => [name, limits[index]]).filter(([, n]) => n !== undefined),
        ) as Quota
        const { take } = counting()
        // The plain model: all that was let through, filtered anew for each question.
        const past: { time: string; keyId: string; user: string | null }[] = []
        let now = Date.parse('2026-01-30T23:59:59.999Z')
        for (const { keyId, user, stepMs } of requests) {
          now += stepMs
          const time = new Date(now).toISOString()
          const used = (length: number, same: (one: (typeof past)[number]) => boolean) =>
            past.filter((one) => one.time.slice(0, length) === time.slice(0, length) && same(one)).length
          const everyone = () => true
          const ofKey = (one: (typeof past)[number]) => one.keyId === keyId
          const ofUser = (one: (typeof past)[number]) => one.user === user
          const left = (most: number | undefined, length: number, same: typeof ofKey) =>
            most === undefined || most > used(length, same)
          const expected =
            left(quota.per_day, 10, everyone) &&
            left(quota.per_month, 7, everyone) &&
            left(quota.per_key_per_day, 10, ofKey) &&
            left(quota.per_key_per_month, 7, ofKey) &&
            (user === null || (left(quota.per_user_per_day, 10, ofUser) && left(quota.per_user_per_month, 7, ofUser)))
          expect(take('acme', quota, new Date(now), { keyId, user }).isAllowed).toBe(expected)
          if (expected) past.push({ time, keyId, user })
        }
      }),
    )
  })

  it('of nothing lets nothing through', () => {
    expect(counting().take('acme', { per_day: 0 }, at('2026-08-01T12:00:00Z')).isAllowed).toBe(false)
  })
})

describe('the memory of quotas', () => {
  let dir: string
  let log: AuditLog
  const now = at('2026-08-02T12:00:00Z')
  const path = () => join(dir, 'quotas.json')
  const opened = async () => {
    const memory = await openQuotaMemory(path())
    const counted = { origin: log.origin, folders: logFolders(join(dir, 'audit')), size: log.status().published }
    await memory.recount(counted, now)
    return memory
  }
  const open = async () => (await opened()).quotas.counts().get('acme')
  const records = (count: number, ts: string, changes = {}) =>
    Promise.all(Array.from({ length: count }, () => log.append(aRecord({ ts, ...changes }))))

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'quota-'))
    log = await openAuditLog({
      ...AUDIT_DEFAULTS,
      dir: join(dir, 'audit'),
      registry: 'acme',
      node: 'n',
      onPublishError: () => undefined,
    })
  })
  afterEach(async () => {
    await log.close()
    await rm(dir, { recursive: true })
  })

  it('counts again from the audit log what was answered in this day and month', async () => {
    await records(600, '2026-07-31T12:00:00.000Z')
    await records(300, '2026-08-01T12:00:00.000Z')
    await records(5, '2026-08-02T11:00:00.000Z')
    await records(7, '2026-08-02T11:00:00.000Z', { reason_code: 'RATE_LIMITED' })
    await records(2, '2026-08-02T11:00:00.000Z', { reason_code: 'INPUT_INVALID' })
    await log.publish()
    expect(await open()).toEqual({
      day: '2026-08-02',
      inDay: 7,
      month: '2026-08',
      inMonth: 307,
      ofDay: new Map([['key:k1', 7]]),
      ofMonth: new Map([['key:k1', 307]]),
    })
  })

  it('goes on from where it was written down, and does not need to', async () => {
    await records(10, '2026-08-02T11:00:00.000Z')
    await log.publish()
    const memory = await opened()
    await memory.save(new Map([[log.origin, log.status().size]]))
    await records(3, '2026-08-02T11:30:00.000Z')
    await log.publish()
    expect(await open()).toMatchObject({ inDay: 13 })
    const snapshot = JSON.parse(await readFile(path(), 'utf8')) as { logs: Record<string, number> }
    expect(snapshot.logs).toEqual({ [log.origin]: 10 })
    await writeFile(path(), '{"torn')
    expect(await open()).toMatchObject({ inDay: 13 })
  })

  it('keeps users over a restart under no name, and reads what an earlier version wrote', async () => {
    const memory = await opened()
    const { quotas } = memory
    const quota = { per_user_per_day: 1, per_key_per_month: 2 }
    const mia = { tenant: 'acme', keyId: 'k1', user: 'CANARY-mia' }
    quotas.count(mia, quota, now)
    await memory.save(new Map())
    const again = (await opened()).quotas
    expect(again.look(mia, quota, now)).toMatchObject({ isAllowed: false, limit: 1 })
    expect(again.look({ ...mia, user: 'leo' }, quota, now)).toMatchObject({ isAllowed: true })
    again.count({ ...mia, user: 'leo' }, quota, now)
    expect(again.look({ ...mia, user: 'tom' }, quota, now)).toMatchObject({ isAllowed: false, limit: 2 })
    expect(await readFile(path(), 'utf8')).not.toContain('CANARY')
    const before = { day: '2026-08-02', inDay: 9, month: '2026-08', inMonth: 9 }
    await writeFile(path(), JSON.stringify({ v: 2, logs: {}, counts: [['acme', before]] }))
    const old = (await opened()).quotas
    expect(old.look(mia, { per_day: 9 }, now).isAllowed).toBe(false)
    expect(old.look(mia, quota, now).isAllowed).toBe(true)
  })
})

describe('POST /execute', () => {
  it('refuses past the quota with when to come back, in bounded records', async () => {
    const runtime = await testRuntime()
    runtime.tenants.set('acme', servedTenant({ quota: { per_day: 2 } }))
    const question = { input: { question: 'x' } }
    const answers = []
    for (let turn = 0; turn < 5; turn += 1) answers.push(await runtime.app.request('/execute', ask(question)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429, 429])
    const last = answers.at(-1) as Response
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(3600)
    expect(last.headers.get('x-ratelimit-limit')).toBe('2')
    expect(await last.json()).toMatchObject({ reason_code: 'QUOTA_EXCEEDED' })
    runtime.deps.denials.flush()
    expect((await runtime.records()).map(({ reason_code, count }) => [reason_code, count])).toEqual([
      ['ALLOWED', 1],
      ['ALLOWED', 1],
      ['QUOTA_EXCEEDED', 1],
      ['QUOTA_EXCEEDED', 2],
    ])
    await runtime.close()
  })

  it('refuses past the quota of a user, which the bundle may set, and goes on for another', async () => {
    const runtime = await testRuntime()
    const bundle = scriptedBundle({ rate_limit: { execute: { per_minute: 100, per_user_per_day: 2, per_month: 90 } } })
    const state = { quota: { per_user_per_day: 3, per_month: 5, per_key_per_day: 4 } }
    runtime.tenants.set('acme', { ...servedTenant(state), aliases: { current: servedBundle(bundle) } })
    const statusFor = async (user: string | null) => {
      const headers = user === null ? {} : { 'x-user-id': user }
      return runtime.app.request('/execute', ask({ input: { question: 'x' } }, headers))
    }
    const first = await statusFor('mia')
    expect([first.headers.get('x-ratelimit-limit'), first.headers.get('x-ratelimit-remaining')]).toEqual(['2', '1'])
    expect((await statusFor('mia')).status).toBe(200)
    const refused = await statusFor('mia')
    expect([refused.status, refused.headers.get('x-ratelimit-limit')]).toEqual([429, '2'])
    expect(await refused.json()).toMatchObject({ reason_code: 'QUOTA_EXCEEDED' })
    expect([(await statusFor('leo')).status, (await statusFor(null)).status]).toEqual([200, 200])
    const key = await statusFor('tom')
    expect([key.status, key.headers.get('x-ratelimit-limit')]).toEqual([429, '4'])
    await runtime.close()
  })
})
