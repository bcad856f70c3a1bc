import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../../runtime/audit/log.ts'
import { logFolders } from '../../../runtime/audit/read-log.ts'
import { createQuotas } from '../../../runtime/http/quota.ts'
import { openQuotaMemory } from '../../../runtime/http/quota-memory.ts'
import { aRecord } from '../../support/audit-record.ts'
import { ask, servedTenant, testRuntime } from '../../support/runtime-app.ts'

const at = (text: string) => new Date(text)

describe('a quota', () => {
  it('is that of the UTC day, and says when the next begins', () => {
    const quotas = createQuotas()
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
    const quotas = createQuotas()
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
    const quotas = createQuotas()
    quotas.take('acme', { per_day: 1 }, at('2026-08-02T12:00:00Z'))
    expect(quotas.take('globex', { per_day: 1 }, at('2026-08-02T12:00:00Z')).isAllowed).toBe(true)
    expect(quotas.take('acme', { per_day: 1 }, at('2026-08-01T12:00:00Z')).isAllowed).toBe(false)
  })

  it('of nothing lets nothing through', () => {
    expect(createQuotas().take('acme', { per_day: 0 }, at('2026-08-01T12:00:00Z')).isAllowed).toBe(false)
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
    expect(await open()).toEqual({ day: '2026-08-02', inDay: 7, month: '2026-08', inMonth: 307 })
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
})
