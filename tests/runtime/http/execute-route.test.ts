import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../schemas/fault.ts'
import {
  aliasState,
  anExecution,
  apiKey,
  ask,
  FLOOR,
  scriptedBundle,
  servedBundle,
  servedTenant,
  storedKey,
  testRuntime,
  type TestRuntime,
} from '../../support/runtime-app.ts'

let runtime: TestRuntime
let executed: unknown[] = []

beforeEach(async () => {
  executed = []
  runtime = await testRuntime({
    execute: (_bundle, request) => {
      executed.push(request)
      return anExecution()
    },
  })
})
afterEach(() => runtime.close())

const question = { input: { question: 'When will my card arrive?' } }

async function problem(response: Response): Promise<{ status: number; reason: string }> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body = (await response.json()) as { status: number; reason_code: string; request_id: string }
  expect(body.request_id).toBe(response.headers.get('x-request-id'))
  expect(body.status).toBe(response.status)
  return { status: response.status, reason: body.reason_code }
}

describe('POST /execute', () => {
  it('answers through the current bundle, and names it', async () => {
    const response = await runtime.app.request('/execute', ask(question, { 'x-request-id': 'mine-1' }))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      request_id: 'mine-1',
      tenant: 'acme',
      bundle: {
        name: 'faq',
        version: '1.0.0',
        bundle_id: aliasState().bundle_id,
        digest: aliasState().digest,
      },
      outcome: 'answered',
      intent: 'card_arrival',
      routing: { score: 0.91, threshold: 0.4, matched: ['card'] },
      output: { answer: 'In 3 to 5 days.' },
    })
    expect(response.headers.get('x-request-id')).toBe('mine-1')
    expect(executed).toEqual([{ ...question, intent: null, alias: 'current', explain: false }])
  })

  it('has made its record durable before it answers, without anything of the bodies', async () => {
    await runtime.app.request('/execute', ask(question, { 'x-request-id': 'mine-1', 'x-user-id': 'maria@example.com' }))
    const [record] = await runtime.records()
    expect(record).toMatchObject({
      seq: 0,
      phase: 'end',
      tenant: 'acme',
      key_id: 'k1',
      request_id: 'mine-1',
      action: 'execute',
      profile: 'execute',
      decision: 'allow',
      reason_code: 'ALLOWED',
      status: 200,
      bundle: 'faq@1.0.0',
      digest: aliasState().digest,
      policies: FLOOR,
      intent: 'card_arrival',
    })
    expect(JSON.stringify(record)).not.toMatch(/maria|arrive|3 to 5/)
    expect(record?.['input_commitment']).toMatch(/^[0-9a-f]{64}$/)
    expect(record?.['user']).toMatch(/^[0-9a-f]{64}$/)
  })

  it('makes a request id where the client gave none, or one that could be anything (H11)', async () => {
    for (const given of [undefined, 'x'.repeat(65), 'a b', 'a;{}']) {
      const response = await runtime.app.request('/execute', ask(question, { 'x-request-id': given }))
      expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it.each([
    ['an unknown field', { ...question, extra: 1 }],
    ['no input', {}],
    ['an input that is no object', { input: 'x' }],
    ['an intent that is no name', { ...question, intent: 3 }],
    ['an alias that does not exist', { ...question, alias: 'latest' }],
    ['a body that is no object', [question]],
  ])('refuses %s', async (_name, body) => {
    expect(await problem(await runtime.app.request('/execute', ask(body)))).toEqual({
      status: 422,
      reason: 'INPUT_INVALID',
    })
    expect(executed).toEqual([])
  })

  it.each([
    ['is cut off', '{"input":'],
    ['has a trailing comma', '{"input":{},}'],
    ['has the same key twice', '{"input":{},"input":{}}'],
    ['is nested too deep', `{"input":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`],
    ['has too many keys', `{"input":{${Array.from({ length: 1500 }, (_, at) => `"k${at}":1`).join(',')}}}`],
    ['has the key __proto__', '{"input":{"__proto__":{}}}'],
  ])('takes a body that %s for no JSON', async (_name, body) => {
    expect(await problem(await runtime.app.request('/execute', ask(body)))).toEqual({
      status: 400,
      reason: 'G10_BODY_PARSE_ERROR',
    })
  })

  it('takes a body that is not UTF-8 for no JSON', async () => {
    const init = { ...ask(question), body: Buffer.from('{"input":{"question":"\xff"}}', 'latin1') }
    expect(await problem(await runtime.app.request('/execute', init))).toMatchObject({ reason: 'G10_BODY_PARSE_ERROR' })
  })

  it('refuses a missing body, a body of another type, and a compressed one (H13)', async () => {
    const { app } = runtime
    expect(await problem(await app.request('/execute', ask(undefined)))).toEqual({
      status: 422,
      reason: 'BODY_MISSING',
    })
    for (const type of ['text/plain', 'application/jsonp', 'application/json; charset=utf-16', undefined]) {
      const response = await app.request('/execute', ask(question, { 'content-type': type }))
      expect(await problem(response)).toEqual({ status: 415, reason: 'UNSUPPORTED_MEDIA_TYPE' })
    }
    const gzip = await app.request('/execute', ask(question, { 'content-encoding': 'gzip' }))
    expect(await problem(gzip)).toEqual({ status: 415, reason: 'UNSUPPORTED_MEDIA_TYPE' })
  })

  it('refuses a body over the cap, whatever its headers say (H04)', async () => {
    const large = JSON.stringify({ input: { question: 'x'.repeat(1_048_577) } })
    for (const length of [undefined, '5', String(large.length)]) {
      const response = await runtime.app.request('/execute', ask(large, { 'content-length': length }))
      expect(await problem(response)).toEqual({ status: 413, reason: 'PAYLOAD_TOO_LARGE' })
    }
  })

  it.each(['x-tenant-id', 'x-api-key'])('refuses a request without %s', async (name) => {
    const response = await runtime.app.request('/execute', ask(question, { [name]: undefined }))
    expect(await problem(response)).toEqual({ status: 400, reason: 'MISSING_HEADER' })
  })

  it('tells a client about a fault of the software no more than its request id (H12)', async () => {
    const broken = await testRuntime({
      execute: () => {
        throw new Error('CANARY in a message')
      },
    })
    const response = await broken.app.request('/execute', ask(question))
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).toContain('INTERNAL')
    expect(text + broken.log.join('')).not.toContain('CANARY')
    expect(await broken.records()).toMatchObject([{ reason_code: 'INTERNAL', status: 500, decision: 'deny' }])
    await broken.close()
  })
})

describe('who asks', () => {
  const key = (tenant: string, id: string, fill: string) => apiKey(tenant, id, fill)

  it('gives one and the same answer to every way of not being accepted (H18)', async () => {
    const expired = key('acme', 'old', 'b')
    const revoked = key('acme', 'gone', 'c')
    runtime.tenants.set(
      'acme',
      servedTenant({
        keys: [
          storedKey(apiKey('acme'), 'k1', ['execute']),
          storedKey(expired, 'old', ['execute'], { expires_at: '2026-07-31T00:00:00Z' }),
          storedKey(revoked, 'gone', ['execute'], { revoked: true }),
        ],
      }),
    )
    runtime.tenants.set('globex', servedTenant({ tenant: 'globex' }))
    runtime.tenants.set('initech', servedTenant({ tenant: 'initech', status: 'suspended' }))
    const attempts = [
      { 'x-tenant-id': 'nobody', 'x-api-key': apiKey('nobody') },
      { 'x-api-key': key('acme', 'k1', 'd') },
      { 'x-api-key': key('acme', 'k9', 'a') },
      { 'x-api-key': expired },
      { 'x-api-key': revoked },
      { 'x-tenant-id': 'initech', 'x-api-key': apiKey('initech') },
      { 'x-api-key': apiKey('globex') },
      { 'x-tenant-id': 'globex' },
      { 'x-tenant-id': '../etc' },
      { 'x-api-key': 'ctr_' },
      { 'x-api-key': 'x'.repeat(5000) },
      { 'x-tenant-id': '__proto__', 'x-api-key': 'constructor' },
    ]
    const seen = new Set<string>()
    for (const headers of attempts) {
      const response = await runtime.app.request('/execute', ask(question, { ...headers, 'x-request-id': 'same' }))
      seen.add(JSON.stringify([response.status, [...response.headers], await response.text()]))
    }
    expect(seen.size).toBe(1)
    expect([...seen][0]).toContain('UNAUTHENTICATED')
    expect(executed).toEqual([])
  })

  it('lets a key do only what its scopes say', async () => {
    const reader = key('acme', 'reader', 'b')
    const plain = key('acme', 'plain', 'c')
    const keys = [storedKey(reader, 'reader', ['registry:read']), storedKey(plain, 'plain', ['execute'])]
    runtime.tenants.set('acme', servedTenant({ keys }, { candidate: servedBundle() }))
    const asReader = await runtime.app.request('/execute', ask(question, { 'x-api-key': reader }))
    expect(await problem(asReader)).toEqual({ status: 403, reason: 'FORBIDDEN' })
    const candidate = { ...question, alias: 'candidate' }
    const asPlain = await runtime.app.request('/execute', ask(candidate, { 'x-api-key': plain }))
    expect(await problem(asPlain)).toEqual({ status: 403, reason: 'FORBIDDEN' })
  })

  it('never executes draft', async () => {
    const response = await runtime.app.request('/execute', ask({ ...question, alias: 'draft' }))
    expect(await problem(response)).toEqual({ status: 403, reason: 'FORBIDDEN' })
    expect(executed).toEqual([])
  })

  it('explains to a key with the scope for it', async () => {
    const explainer = key('acme', 'ex', 'b')
    runtime.tenants.set('acme', servedTenant({ keys: [storedKey(explainer, 'ex', ['execute', 'explain'])] }))
    await runtime.app.request('/execute', ask(question, { 'x-api-key': explainer }))
    expect(executed).toMatchObject([{ explain: true }])
  })
})

describe('what is served', () => {
  it('is never the bundle before one that is refused', async () => {
    for (const reason of ['INCOMPATIBLE_RUNTIME', 'BUNDLE_REVOKED', 'BUNDLE_UNVERIFIED'] as const) {
      const current = { kind: 'refused' as const, reason, message: 'why', state: aliasState() }
      runtime.tenants.set('acme', servedTenant({}, { current, candidate: servedBundle() }))
      expect(await problem(await runtime.app.request('/execute', ask(question)))).toEqual({ status: 503, reason })
    }
    expect(executed).toEqual([])
  })

  it('is nothing where the tenant has no bundle', async () => {
    const tenant = servedTenant()
    runtime.tenants.set('acme', { ...tenant, aliases: {} })
    expect(await problem(await runtime.app.request('/execute', ask(question)))).toEqual({
      status: 503,
      reason: 'NO_CURRENT_BUNDLE',
    })
  })

  it('is nothing past what the tenant allows of staleness, nor before the ledger is verified', async () => {
    runtime.tenants.set('acme', servedTenant({ max_staleness: 'PT5M' }))
    runtime.clock.ageS = 301
    expect(await problem(await runtime.app.request('/execute', ask(question)))).toEqual({
      status: 503,
      reason: 'STALE',
    })
    runtime.clock.ageS = 299
    runtime.clock.status = 'degraded'
    expect((await runtime.app.request('/execute', ask(question))).status).toBe(200)
    runtime.clock.status = 'starting'
    expect(await problem(await runtime.app.request('/execute', ask(question)))).toEqual({
      status: 503,
      reason: 'STARTING',
    })
  })

  it('stays one bundle for a request, and is another for the next', async () => {
    const served = [1, 2].map((at) => servedBundle(scriptedBundle(), aliasState({ version: `${at}.0.0` })))
    for (const [at, current] of served.entries()) {
      runtime.tenants.set('acme', servedTenant({}, { current }))
      const response = await runtime.app.request('/execute', ask(question))
      expect(await response.json()).toMatchObject({ bundle: { version: `${at + 1}.0.0` } })
    }
  })
})

describe('the cache', () => {
  const cached = scriptedBundle({ cache: { enabled: true, ttl_s: 60, max_entries: 2 } })

  it('answers the same text again without executing it, as long as the policy says', async () => {
    runtime.tenants.set('acme', servedTenant({}, { current: servedBundle(cached) }))
    const bodies = []
    for (let at = 0; at < 2; at += 1) {
      bodies.push(await (await runtime.app.request('/execute', ask(question, { 'x-request-id': 'r' }))).text())
    }
    expect(bodies[0]).toBe(bodies[1])
    expect(executed).toHaveLength(1)
    expect(await runtime.records()).toHaveLength(2)
    runtime.clock.nowMs += 60_000
    await runtime.app.request('/execute', ask(question))
    expect(executed).toHaveLength(2)
  })

  it('forgets all answers with a swap, and shares none between tenants or scopes', async () => {
    const current = servedBundle(cached)
    const explainer = apiKey('acme', 'ex', 'b')
    const keys = [storedKey(apiKey('acme'), 'k1', ['execute']), storedKey(explainer, 'ex', ['execute', 'explain'])]
    runtime.tenants.set('acme', servedTenant({ keys }, { current }))
    runtime.tenants.set('globex', servedTenant({ tenant: 'globex' }, { current }))
    await runtime.app.request('/execute', ask(question))
    await runtime.app.request('/execute', ask(question, { 'x-tenant-id': 'globex', 'x-api-key': apiKey('globex') }))
    await runtime.app.request('/execute', ask(question, { 'x-api-key': explainer }))
    runtime.tenants.set('acme', servedTenant({ keys }, { current: servedBundle(cached) }))
    await runtime.app.request('/execute', ask(question))
    expect(executed).toHaveLength(4)
  })

  it('keeps no refusal, and nothing where the policy says nothing, or no', async () => {
    for (const policies of [{}, { cache: { enabled: false, ttl_s: 60, max_entries: 2 } }]) {
      runtime.tenants.set('acme', servedTenant({}, { current: servedBundle(scriptedBundle(policies)) }))
      await runtime.app.request('/execute', ask(question))
      await runtime.app.request('/execute', ask(question))
    }
    expect(executed).toHaveLength(4)
    runtime.tenants.set('acme', servedTenant({}, { current: servedBundle(cached) }))
    for (let at = 0; at < 2; at += 1) {
      expect((await runtime.app.request('/execute', ask({ ...question, extra: 1 }))).status).toBe(422)
    }
  })

  it('makes long answers anew each time', async () => {
    await runtime.close()
    let count = 0
    runtime = await testRuntime({
      execute: () => anExecution({ output: { answer: 'x'.repeat(20_000), count: (count += 1) } }),
    })
    runtime.tenants.set('acme', servedTenant({}, { current: servedBundle(cached) }))
    for (let at = 0; at < 2; at += 1) await runtime.app.request('/execute', ask(question))
    expect(count).toBe(2)
  })

  it('does not answer a candidate from memory to a key that may not ask for it', async () => {
    const plain = apiKey('acme', 'plain', 'b')
    const keys = [storedKey(apiKey('acme'), 'k1', ['execute:candidate']), storedKey(plain, 'plain', ['execute'])]
    runtime.tenants.set('acme', servedTenant({ keys }, { candidate: servedBundle(cached) }))
    const body = { ...question, alias: 'candidate' }
    expect((await runtime.app.request('/execute', ask(body))).status).toBe(200)
    const refused = await runtime.app.request('/execute', ask(body, { 'x-api-key': plain }))
    expect(await problem(refused)).toEqual({ status: 403, reason: 'FORBIDDEN' })
  })
})

describe('denials', () => {
  it('of a proven key are records with their reason', async () => {
    await runtime.app.request('/execute', ask({}, { 'x-request-id': 'bad-1' }))
    expect(await runtime.records()).toMatchObject([
      {
        request_id: 'bad-1',
        tenant: 'acme',
        decision: 'deny',
        reason_code: 'INPUT_INVALID',
        status: 422,
        phase: 'end',
      },
    ])
  })

  it('of strangers are one record for the first and one for all others', async () => {
    for (let at = 0; at < 500; at += 1) {
      await runtime.app.request('/execute', ask(question, { 'x-tenant-id': `t${at}` }))
    }
    runtime.deps.denials.flush()
    expect(await runtime.records()).toMatchObject([
      { phase: 'end', tenant: null, reason_code: 'UNAUTHENTICATED', count: 1, policies: FLOOR },
      { phase: 'aggregate', tenant: null, reason_code: 'UNAUTHENTICATED', count: 499, request_id: null },
    ])
  })

  it('keep their answer back when the log cannot take a record (H22)', async () => {
    const refusing = { ...runtime.deps.audit, append: () => Promise.reject(new Fault('AUDIT_UNAVAILABLE', 'full')) }
    const broken = await testRuntime({ audit: refusing })
    for (const body of [question, {}]) {
      const response = await broken.app.request('/execute', ask(body))
      expect(await problem(response)).toEqual({ status: 503, reason: 'AUDIT_UNAVAILABLE' })
    }
  })
})
