import { nothingCompared } from '../../controller/gates/shadow.ts'
import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { openEvents } from '../../controller/events.ts'
import { createControllerApp } from '../../controller/http/app.ts'
import { planChanges } from '../../controller/plan.ts'
import type { LedgerHead } from '../../controller/promotion/head.ts'
import type { ApiKey, KeyScope } from '../../schemas/registry/tenant.ts'
import { faq, headAfter, headOf, holding, makePeople, observing, START, wantedTenant } from '../support/plan-world.ts'

const v1 = faq('1.0.0')
const secret = (tenant: string) => `ctr_${tenant}_main_${'ab'.repeat(32)}`
const operatorSecret = 'operator-key-of-at-least-32-characters'
const keyOf = (tenant: string, scopes: KeyScope[]): ApiKey => ({
  id: 'main',
  sha256: createHash('sha256').update(secret(tenant)).digest('hex'),
  scopes,
})

describe("the controller's HTTP side", () => {
  let head: LedgerHead
  const events = openEvents(() => START)
  let status: 'ready' | 'degraded' = 'ready'
  const app = createControllerApp({
    head: () => head,
    events,
    status: () => ({
      status,
      seq: head.seq,
      lookedAt: START,
      ...(status === 'ready' ? {} : { reason_code: 'UNTRUSTED' as const }),
    }),
    now: () => new Date(START.getTime() + 3_000),
    operatorKey: createHash('sha256').update(operatorSecret).digest(),
    isDraining: () => false,
    webhookSecrets: {},
    onHint: () => undefined,
    witness: {
      verifier: 'none',
      report: () => Promise.reject(new Error()),
      seen: () => null,
      runtimes: () => [],
      comparisons: () => nothingCompared,
    },
    reader: { read: () => Promise.reject(new Error()) },
    gateService: {
      ask: () => Promise.reject(new Error()),
      find: async () => null,
      open: () => [],
      report: async () => null,
      history: async () => ({ runs: [], next: null }),
      note: () => {},
      stop: async () => {},
    },
    onInternal: (error) => {
      throw error
    },
  })

  beforeAll(async () => {
    const empty = headOf(await makePeople(), {}, [v1])
    const tenants = [
      wantedTenant('shop', { ...holding({ candidate: v1 }), keys: { value: [keyOf('shop', ['registry:read'])] } }),
      wantedTenant('bank', { keys: { value: [keyOf('bank', ['execute'])] } }),
      wantedTenant('gone', { keys: { value: [keyOf('gone', ['registry:read'])] } }, { status: 'suspended' }),
    ]
    head = headAfter(empty, planChanges(observing(empty, { tenants }), START))
  })

  const asTenant = (tenant: string, key = secret(tenant)) => ({ headers: { 'X-Tenant-Id': tenant, 'X-Api-Key': key } })
  const asOperator = { headers: { 'X-Api-Key': operatorSecret } }

  it('resolves an alias for its tenant (ADR 0010)', async () => {
    const response = await app.request('/v1/tenants/shop/aliases/candidate', asTenant('shop'))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      tenant: 'shop',
      alias: 'candidate',
      bundle: 'faq',
      version: '1.0.0',
      bundle_id: v1.bundle_id,
      digest: v1.digest,
      tag: 'refs/tags/bundles/faq/1.0.0',
      seq: 1,
    })
  })

  it.each([
    ['an alias that holds nothing', '/v1/tenants/shop/aliases/current'],
    ['an alias that does not exist', '/v1/tenants/shop/aliases/toString'],
    ['another tenant', '/v1/tenants/bank/aliases/candidate'],
    ['a tenant that does not exist', '/v1/tenants/nobody/aliases/candidate'],
  ])('knows nothing of %s', async (_what, path) => {
    const response = await app.request(path, asTenant('shop'))
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ reason_code: 'ALIAS_UNKNOWN' })
  })

  it('shows a tenant itself only, and the operator all of them', async () => {
    const names = async (init: RequestInit) => {
      const body = (await (await app.request('/v1/tenants', init)).json()) as { tenants: { tenant: string }[] }
      return body.tenants.map(({ tenant }) => tenant)
    }
    expect(await names(asTenant('shop'))).toEqual(['shop'])
    expect(await names(asOperator)).toEqual(['bank', 'gone', 'shop'])
  })

  it('never shows keys', async () => {
    expect(await (await app.request('/v1/tenants', asOperator)).text()).not.toMatch(/sha256"|"keys"/)
  })

  it.each([
    ['no key', {}, 400, 'MISSING_HEADER'],
    ['a key without a tenant', { 'X-Api-Key': secret('shop') }, 400, 'MISSING_HEADER'],
    ['a wrong key', asTenant('shop', secret('bank')).headers, 401, 'UNAUTHENTICATED'],
    ['an unknown tenant', asTenant('nobody').headers, 401, 'UNAUTHENTICATED'],
    ['a suspended tenant', asTenant('gone').headers, 401, 'UNAUTHENTICATED'],
    ['a key without the scope', asTenant('bank').headers, 403, 'FORBIDDEN'],
  ])('refuses %s', async (_what, headers, status_, reason) => {
    const response = await app.request('/v1/tenants', { headers: headers as Record<string, string> })
    expect(response.status).toBe(status_)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ reason_code: reason })
  })

  it('shows a tenant the seals of the bundles that it holds', async () => {
    const response = await app.request('/v1/bundles/faq/1.0.0', asTenant('shop'))
    expect(await response.json()).toMatchObject({ digest: v1.digest, report: v1.report })
    expect((await app.request('/v1/bundles/faq/2.0.0', asOperator)).status).toBe(404)
    expect(await (await app.request('/v1/bundles', asOperator)).json()).toEqual({
      bundles: [{ bundle: 'faq', versions: ['1.0.0'] }],
    })
    expect(await (await app.request('/v1/bundles/faq', asOperator)).json()).toMatchObject({
      versions: [{ version: '1.0.0' }],
    })
  })

  it('denies every path that is no action, and echoes the request id', async () => {
    const response = await app.request('/v2/anything', { headers: { 'X-Request-Id': 'abc' } })
    expect(response.status).toBe(404)
    expect(response.headers.get('x-request-id')).toBe('abc')
    expect(await response.json()).toMatchObject({ reason_code: 'G8_UNKNOWN_ACTION', request_id: 'abc' })
  })

  it('says whether it is ready, and why not', async () => {
    expect(await (await app.request('/readyz')).json()).toEqual({ status: 'ready', seq: 1, age_s: 3 })
    status = 'degraded'
    const response = await app.request('/readyz')
    status = 'ready'
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ status: 'degraded', reason_code: 'UNTRUSTED' })
  })

  it('documents every route that it has', async () => {
    const { paths } = (await (await app.request('/openapi.json')).json()) as { paths: Record<string, unknown> }
    const routes = app.routes
      .filter(({ method }) => method === 'GET' || method === 'POST')
      .map(({ path }) => path.replaceAll(/:(\w+)/g, '{$1}'))
    expect(Object.keys(paths).sort()).toEqual([...new Set(routes)].sort())
  })

  it('sends a tenant the events that are about it, and no others', async () => {
    const response = await app.request('/v1/events', asTenant('shop'))
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const reader = response.body!.getReader()
    const read = async () => Buffer.from((await reader.read()).value ?? []).toString()
    expect(await read()).toBe(': connected\n\n')
    const decision = { ...head.entry.decisions[0]!, gates: null }
    events.emit({ type: 'gates-started', bundle: 'faq' })
    for (const subject of ['bank/current', 'shop/current'])
      events.emit({ type: 'live', seq: 2, oid: 'x', source: 'y', ms: 1, decisions: [{ ...decision, subject }] })
    const event = await read()
    expect(event).toContain('event: live')
    expect(event).toContain('shop/current')
    expect(event).not.toContain('bank')
    await reader.cancel()
  })
})
