import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ACTIONS, PROFILES } from '../../../runtime/http/actions.ts'
import { decideAction, MATRIX } from '../../../runtime/http/gate.ts'
import {
  apiKey,
  ask,
  OPERATOR_KEY,
  servedTenant,
  storedKey,
  testRuntime,
  type TestRuntime,
} from '../../support/runtime-app.ts'

let runtime: TestRuntime
beforeEach(async () => {
  runtime = await testRuntime()
})
afterEach(() => runtime.close())

const json = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('the action matrix', () => {
  it('has one profile for each action, and one action for each profile', () => {
    expect(Object.keys(PROFILES).sort()).toEqual(ACTIONS.map(({ name }) => name).sort())
    expect(new Set(ACTIONS.map(({ method, path }) => `${method} ${path}`)).size).toBe(ACTIONS.length)
  })

  it('reads no body for GET and DELETE, and JSON for every other method', () => {
    for (const { name, method } of ACTIONS) {
      expect(PROFILES[name].body).toBe(method === 'GET' || method === 'DELETE' ? 'none' : 'json')
    }
  })

  it('is what the routes are built from: no action is unknown to the application', async () => {
    for (const { method, path } of ACTIONS) {
      const response = await runtime.app.request(path, { method })
      expect(await response.clone().text()).not.toContain('"reason_code":"G8_UNKNOWN_ACTION"')
    }
  })

  it('denies an action whose profile is missing', async () => {
    const { execute: _, ...profiles } = PROFILES
    const matrix = { actions: ACTIONS, profiles }
    expect(decideAction(matrix, 'POST', '/execute')).toMatchObject({ decision: 'deny', reason: 'G9_MISSING_PROFILE' })
    const gapped = await testRuntime({}, matrix)
    const response = await gapped.app.request('/execute', ask({ input: {} }))
    expect(response.status).toBe(403)
    expect(await json(response)).toMatchObject({ reason_code: 'G9_MISSING_PROFILE' })
    expect(await gapped.records()).toMatchObject([
      { action: 'execute', profile: null, reason_code: 'G9_MISSING_PROFILE' },
    ])
    await gapped.close()
  })

  it('does not take inherited members for profiles', () => {
    const matrix = {
      actions: [{ name: 'toString' as 'execute', method: 'GET' as const, path: '/x' }],
      profiles: PROFILES,
    }
    expect(decideAction(matrix, 'GET', '/x')).toMatchObject({ reason: 'G9_MISSING_PROFILE' })
    expect(decideAction(MATRIX, 'GET', '/healthz')).toMatchObject({ decision: 'allow', profile: PROFILES.health })
  })
})

describe('an unknown action', () => {
  it.each([
    ['GET', '/execute'],
    ['PUT', '/execute'],
    ['DELETE', '/execute'],
    ['POST', '/execute/'],
    ['POST', '//execute'],
    ['POST', '/Execute'],
    ['POST', '/%65xecute'],
    ['POST', '/execute/..;/status'],
    ['POST', '/execute%2f'],
    ['GET', '/'],
    ['GET', '/admin'],
    ['OPTIONS', '/execute'],
    ['PROPFIND', '/healthz'],
  ])('%s %s is denied (H08, H23)', async (method, path) => {
    const response = await runtime.app.request(path, { method })
    expect(response.status).toBe(404)
    expect(await json(response)).toMatchObject({ reason_code: 'G8_UNKNOWN_ACTION' })
  })

  it('is audited', async () => {
    await runtime.app.request('/nothing', { headers: { 'x-request-id': 'lost' } })
    expect(await runtime.records()).toMatchObject([
      {
        request_id: 'lost',
        action: 'unknown',
        profile: null,
        decision: 'deny',
        reason_code: 'G8_UNKNOWN_ACTION',
        status: 404,
      },
    ])
  })

  it('is counted under one name', async () => {
    await runtime.app.request('/a')
    await runtime.app.request('/b')
    const metrics = await (await runtime.app.request('/metrics')).text()
    expect(metrics).toContain('http_requests_total{action="unknown",status="404",method="GET"} 2')
    expect(metrics).toContain(
      'gate_decisions_total{action="unknown",decision="deny",reason_code="G8_UNKNOWN_ACTION"} 2',
    )
  })
})

describe('GET', () => {
  it('/healthz says that the process lives', async () => {
    expect((await runtime.app.request('/healthz')).status).toBe(200)
  })

  it.each([
    ['ready', 200],
    ['degraded', 200],
    ['starting', 503],
    ['expired', 503],
  ] as const)('/readyz of a Runtime that is %s answers %i', async (status, expected) => {
    runtime.clock.status = status
    const response = await runtime.app.request('/readyz')
    expect(response.status).toBe(expected)
    expect(await json(response)).toMatchObject({ status, seq: 7, age_s: 1 })
  })

  it('/readyz takes no traffic while draining, or without an audit log', async () => {
    runtime.clock.isDraining = true
    expect(await json(await runtime.app.request('/readyz'))).toMatchObject({ reason_code: 'DRAINING' })
    const broken = await testRuntime({ audit: { ...runtime.deps.audit, isHealthy: () => false } })
    const response = await broken.app.request('/readyz')
    expect(response.status).toBe(503)
    expect(await json(response)).toMatchObject({ reason_code: 'AUDIT_UNAVAILABLE' })
  })

  it('/version names the Runtime', async () => {
    expect(await json(await runtime.app.request('/version'))).toMatchObject({ version: '1.0.0' })
  })

  it('/openapi.json describes every action and every refusal', async () => {
    const document = await json(await runtime.app.request('/openapi.json'))
    const paths = document['paths'] as Record<string, Record<string, { responses: Record<string, unknown> }>>
    for (const { method, path } of ACTIONS) expect(paths[path]?.[method.toLowerCase()]).toBeDefined()
    expect(Object.keys(paths['/execute']?.['post']?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '400', '401', '403', '404', '413', '415', '422', '429', '500', '503', '504']),
    )
  })

  it('/metrics counts answers by action, status and method, and decisions by reason', async () => {
    await runtime.app.request('/execute', ask({ input: {} }))
    await runtime.app.request('/execute', ask('{'))
    const metrics = await (await runtime.app.request('/metrics')).text()
    expect(metrics).toContain('http_requests_total{action="execute",status="200",method="POST"} 1')
    expect(metrics).toContain(
      'gate_decisions_total{action="execute",decision="deny",reason_code="G10_BODY_PARSE_ERROR"} 1',
    )
    expect(metrics).toContain('http_request_duration_seconds_count{action="execute"} 2')
  })
})

describe('GET /status', () => {
  const get = (headers: Record<string, string>) => runtime.app.request('/status', { headers })

  it('shows the operator what every tenant is served', async () => {
    const body = await json(await get({ 'x-api-key': OPERATOR_KEY }))
    expect(body).toMatchObject({
      status: 'ready',
      tenants: { acme: { aliases: { current: { bundle: 'faq', version: '1.0.0', seq: 4, served: true } } } },
    })
    expect(JSON.stringify(body)).not.toContain('sha256":')
  })

  it('shows the share of governed executions, as /metrics does', async () => {
    const ratio = async () => {
      const body = await json(await get({ 'x-api-key': OPERATOR_KEY }))
      return (body['tenants'] as Record<string, { governed_execution_ratio: number | null }>)['acme']
        ?.governed_execution_ratio
    }
    expect(await ratio()).toBeNull()
    const { aliases } = servedTenant()
    runtime.tenants.set('acme', servedTenant({}, { candidate: aliases.current! }))
    for (const alias of ['current', 'current', 'current', 'candidate']) {
      expect((await runtime.app.request('/execute', ask({ input: { question: 'x' }, alias }))).status).toBe(200)
    }
    expect(await ratio()).toBe(0.75)
    const metrics = await (await runtime.app.request('/metrics')).text()
    expect(metrics).toContain('contractor_governed_execution_ratio{tenant="acme"} 0.75')
  })

  it('shows a tenant with the scope itself, and nobody else anything', async () => {
    const key = apiKey('acme', 's', 'b')
    runtime.tenants.set('globex', servedTenant({ tenant: 'globex' }))
    runtime.tenants.set(
      'acme',
      servedTenant({ keys: [storedKey(key, 's', ['status']), storedKey(apiKey('acme'), 'k1', ['execute'])] }),
    )
    const body = await json(await get({ 'x-tenant-id': 'acme', 'x-api-key': key }))
    expect(Object.keys(body['tenants'] as object)).toEqual(['acme'])
    expect((await get({ 'x-tenant-id': 'acme', 'x-api-key': apiKey('acme') })).status).toBe(403)
    expect((await get({ 'x-api-key': 'wrong' })).status).toBe(401)
    expect((await get({})).status).toBe(400)
  })

  it('has no operator where no key is configured', async () => {
    const closed = await testRuntime({ settings: { ...runtime.deps.settings, operatorKey: null } })
    for (const key of ['', OPERATOR_KEY, '\0'.repeat(32)]) {
      const response = await closed.app.request('/status', {
        headers: key === '' ? {} : { authorization: `Bearer ${encodeURIComponent(key)}` },
      })
      expect(response.status).toBeGreaterThanOrEqual(400)
    }
    await closed.close()
  })
})
