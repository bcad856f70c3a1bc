import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listen, SERVER_LIMITS, type Listening } from '../../../runtime/http/listen.ts'
import { parseAlias } from '../../../schemas/registry/alias.ts'
import {
  aliasState,
  anExecution,
  apiKey,
  scriptedBundle,
  servedBundle,
  servedTenant,
  tenantState,
  testRuntime,
  type TestRuntime,
} from '../../support/runtime-app.ts'

const BODY = '{"input":{"question":"x"}}'
let runtime: TestRuntime
let server: Listening
let ran: number

beforeEach(async () => {
  ran = 0
  runtime = await testRuntime({
    monotonicMs: () => performance.now(),
    execute: () => {
      ran += 1
      return anExecution()
    },
  })
  const options = { host: '127.0.0.1', port: 0, limits: SERVER_LIMITS, isDraining: () => false }
  server = await listen((request, env) => runtime.app.fetch(request, env), options)
})
afterEach(async () => {
  await server.drain(0)
  await runtime.close()
})

/** What the running server says to these bytes until it closes the connection. */
async function sent(text: string, encoding: BufferEncoding = 'utf8'): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined)
  socket.write(Buffer.from(text, encoding))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

function post(headers: string, { path = '/execute', tenant = 'acme', key = apiKey('acme'), body = BODY } = {}): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nX-Tenant-Id: ${tenant}\r\nX-Api-Key: ${key}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1])
/** A healthy tenant is answered as before. */
const isWell = async () => statusOf(await sent(post(''))) === 200

describe('attacks over HTTP', () => {
  it('H03 many headers are cut off: those behind the cap are not seen, and the process lives', async () => {
    const many = Array.from({ length: 1_500 }, (_, at) => `a${at}:1\r\n`).join('')
    const answer = await sent(`GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${many}\r\n`)
    expect([200, 400, 431]).toContain(statusOf(answer))
    expect(await isWell()).toBe(true)
  })

  it('H05 a request with two transfer codings, a bare line feed or a NUL in a header is refused', async () => {
    for (const headers of [
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
      'X-A: b\nX-C: d\r\n',
      'X-A: b\0c\r\n',
    ])
      expect(statusOf(await sent(post(headers)))).toBe(400)
    expect(ran).toBe(0)
  })

  it('H06 a chunk extension of 20 KB is refused', async () => {
    const head = post('').replace(/Content-Length[^]*$/, 'Transfer-Encoding: chunked\r\n\r\n')
    const answer = await sent(`${head}1;${'x'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`)
    expect([400, 413]).toContain(statusOf(answer))
    expect(ran).toBe(0)
  })

  it.each(['../../etc/passwd', 'acme%00', 'ACME', 'acme/', '..%2facme', 'ac\u017fe', 'a'.repeat(64), '-acme', '*'])(
    'H08 the tenant %s is nobody',
    async (tenant) => {
      const answer = await sent(post('', { tenant }), 'latin1')
      expect([400, 401]).toContain(statusOf(answer))
      expect(ran).toBe(0)
    },
  )

  it.each([
    ['a folded line', 'X-Request-Id: a\r\n b\r\n', 400],
    ['bytes that are not ASCII', 'X-Request-Id: \xe9\r\n', 200],
    ['punctuation', 'X-Request-Id: bad id;{}\r\n', 200],
    ['300 characters', `X-Request-Id: ${'a'.repeat(300)}\r\n`, 200],
  ])('H11 a request id of %s is never echoed', async (_name, header, status) => {
    const answer = await sent(post(header), 'latin1')
    expect(statusOf(answer)).toBe(status)
    if (status === 200) expect(/\r\nx-request-id: ([^\r]*)\r\n/i.exec(answer)?.[1]).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    for (const raw of ['bad id', '\xe9', 'a'.repeat(65)]) expect(answer).not.toContain(raw)
  })

  it('H12 line breaks in the path or query make no header', async () => {
    const answer = await sent(post('', { path: '/execute?x=%0d%0aX-Evil:%201' }))
    expect(answer.toLowerCase()).not.toContain('x-evil')
    expect(answer).not.toMatch(/at .*\.js:\d+/)
  })

  it('H13 a compressed body is not inflated', async () => {
    expect(statusOf(await sent(post('Content-Encoding: gzip\r\n')))).toBe(415)
    expect(ran).toBe(0)
  })

  it('H15 TRACE and an upgrade reach nothing', async () => {
    expect(statusOf(await sent('TRACE /execute HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))).toBe(404)
    expect(statusOf(await sent(post('Upgrade: h2c\r\n')))).toBe(200)
  })

  it('H19 the tenant is that of the key: no other header, and nothing in the body, names one', async () => {
    runtime.tenants.set('globex', servedTenant({ tenant: 'globex' }))
    const claims =
      'X-Tenant: globex\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Tenant: globex\r\nForwarded: for=::1\r\n'
    expect(await sent(post(claims))).toContain('"tenant":"acme"')
    expect(statusOf(await sent(post('', { tenant: 'globex' })))).toBe(401)
    const body = '{"input":{"question":"x"},"tenant":"globex"}'
    expect(statusOf(await sent(post('', { body })))).toBe(422)
    expect(statusOf(await sent(post('X-Tenant-Id: globex\r\n')))).toBe(401)
  })

  it('H22 nothing that is missing or broken opens the way to an answer', async () => {
    const refused = { kind: 'refused', state: aliasState(), message: 'no' } as const
    const probes: [name: string, set: () => void, status: number][] = [
      ['no bundle', () => runtime.tenants.set('acme', { ...servedTenant(), aliases: {} }), 503],
      [
        'a digest that does not match',
        () => runtime.tenants.set('acme', servedTenant({}, { current: { ...refused, reason: 'BUNDLE_UNVERIFIED' } })),
        503,
      ],
      [
        'a revoked bundle',
        () => runtime.tenants.set('acme', servedTenant({}, { current: { ...refused, reason: 'BUNDLE_REVOKED' } })),
        503,
      ],
      [
        'no policy',
        () =>
          runtime.tenants.set(
            'acme',
            servedTenant({}, { current: servedBundle(scriptedBundle({ rate_limit: undefined })) }),
          ),
        503,
      ],
      ['a duration that is none', () => runtime.tenants.set('acme', servedTenant({ max_staleness: 'never' })), 503],
      [
        'a suspended tenant',
        () => runtime.tenants.set('acme', { ...servedTenant(), state: tenantState({ status: 'suspended' }) }),
        401,
      ],
      [
        'an expired heartbeat',
        () => {
          runtime.tenants.set('acme', servedTenant())
          runtime.clock.status = 'expired'
        },
        503,
      ],
    ]
    for (const [name, set, status] of probes) {
      set()
      expect([name, statusOf(await sent(post('')))]).toEqual([name, status])
    }
    runtime.clock.status = 'ready'
    expect(ran).toBe(0)
    expect(statusOf(await sent(post('', { body: '{"input":{"question":"x"},"alias":"nosuch"}' })))).toBe(422)
  })

  it.each([
    '/execute/..;/status',
    '//execute',
    '/%2e%2e/execute',
    '/execute%00',
    '/./execute',
    '/execute;a=b',
    '/EXECUTE',
  ])('H23 the path %s is no action', async (path) => {
    const answer = await sent(post('', { path }))
    expect([400, 404]).toContain(statusOf(answer))
    expect(ran).toBe(0)
  })
})

describe('what a tenant half trusts (J)', () => {
  const digest = `sha256:${'2'.repeat(64)}`
  it.each(['v1.0.0', '1.0.0+a', '^1.0.0', '1.x', '', '*', 'latest', '1.0', ' 1.0.0', '1.0.0\nevil', '\uff11.0.0'])(
    'J an alias names one exact version, not %j',
    (version) => {
      const file = Buffer.from(`bundle: faq\nversion: ${JSON.stringify(version)}\ndigest: ${digest}\n`)
      const { value, findings } = parseAlias(file, 'tenants/acme/aliases/current.yaml', 'current')
      expect(value).toBeNull()
      expect(findings.length).toBeGreaterThan(0)
    },
  )

  it.each(['', 'sha256:', `sha256:${'2'.repeat(63)}`, `SHA256:${'2'.repeat(64)}`, `sha256:${'G'.repeat(64)}`])(
    'J an alias of current has a whole digest, not %j',
    (wrong) => {
      const file = Buffer.from(`bundle: faq\nversion: 1.0.0\ndigest: ${JSON.stringify(wrong)}\n`)
      expect(parseAlias(file, 'tenants/acme/aliases/current.yaml', 'current').value).toBeNull()
    },
  )

  it('J letters that become others in another case are no way to the key of somebody else', async () => {
    for (const tenant of ['\u212a', '\u017f']) {
      runtime.tenants.set('k', servedTenant({ tenant: 'k' }))
      runtime.tenants.set('s', servedTenant({ tenant: 's' }))
      const answer = await sent(post('', { tenant, key: apiKey('k') }))
      expect([400, 401]).toContain(statusOf(answer))
    }
    expect(ran).toBe(0)
  })
})
