import { connect, type Socket } from 'node:net'
import { request } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listen, SERVER_LIMITS, type Listening, type ServerLimits } from '../../../runtime/http/listen.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { apiKey, ask, testRuntime, type TestRuntime } from '../../support/runtime-app.ts'

let runtime: TestRuntime
let listening: Listening[] = []
let sockets: Socket[] = []

beforeEach(async () => {
  runtime = await testRuntime({ monotonicMs: () => performance.now() })
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const server of listening) await server.drain(0)
  listening = []
  sockets = []
  await runtime.close()
})

async function start(limits: Partial<ServerLimits> = {}, target = runtime): Promise<Listening> {
  const options = {
    host: '127.0.0.1',
    port: 0,
    limits: { ...SERVER_LIMITS, ...limits },
    isDraining: () => target.clock.isDraining,
  }
  const server = await listen((req, env) => target.app.fetch(req, env), options)
  listening.push(server)
  return server
}

function open(server: Listening): Socket {
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  sockets.push(socket)
  return socket
}

/** Everything that the server says until it closes the connection. */
async function raw(server: Listening, text: string | Buffer): Promise<string> {
  const socket = open(server)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.write(text)
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return Buffer.concat(chunks).toString()
}

const question = JSON.stringify({ input: { question: 'x' } })
const HEADERS = `Host: x\r\nContent-Type: application/json\r\nX-Tenant-Id: acme\r\nX-Api-Key: ${apiKey('acme')}\r\nConnection: close\r\n`

describe('the server', () => {
  it('answers over a socket as the application does', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/execute`, ask({ input: { question: 'x' } }))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ tenant: 'acme', intent: 'card_arrival' })
  })

  it('reads a body that comes in pieces', async () => {
    const server = await start()
    const pieces = question
      .split('')
      .map((letter) => `1\r\n${letter}\r\n`)
      .join('')
    const answer = await raw(
      server,
      `POST /execute HTTP/1.1\r\n${HEADERS}Transfer-Encoding: chunked\r\n\r\n${pieces}0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('does not read the body of a GET, and answers all of a pipeline (H16)', async () => {
    const server = await start()
    const one = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'
    const answer = await raw(server, `${one.repeat(20)}GET /healthz HTTP/1.1\r\n${HEADERS}Content-Length: 3\r\n\r\n{{{`)
    expect(answer.match(/HTTP\/1\.1 200 /g)).toHaveLength(21)
  })

  it('cuts a body off at the cap without reading on (H04)', async () => {
    const server = await start()
    const endless = `POST /execute HTTP/1.1\r\n${HEADERS}Transfer-Encoding: chunked\r\n\r\n`
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    const answer = await raw(server, endless + chunk.repeat(40))
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('PAYLOAD_TOO_LARGE')
  })

  it.each([
    ['a length and chunks at once', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
    ['a transfer coding that does not exist', 'Transfer-Encoding: xchunked\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'],
    ['a signed length', 'Content-Length: +5\r\n'],
    ['a space before the colon', 'Content-Length : 5\r\n'],
    ['a folded header', 'X-Fold: a\r\n b\r\n'],
  ])('refuses %s (H05)', async (_name, header) => {
    const server = await start()
    const answer = await raw(server, `POST /execute HTTP/1.1\r\n${HEADERS}${header}\r\nhello`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('REQUEST_MALFORMED')
  })

  it.each([
    ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['a backslash in its target', 'GET /\\healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
    ['a host with a path', 'GET /healthz HTTP/1.1\r\nHost: x/y\r\nConnection: close\r\n\r\n'],
  ])('refuses a request with %s', async (_name, text) => {
    expect(await raw(await start(), text)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it('refuses headers that are too large (H03)', async () => {
    const answer = await raw(
      await start(),
      `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('knows no CONNECT and no upgrade (H15)', async () => {
    const server = await start()
    expect(await raw(server, 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('')
    const upgrade = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n'
    expect(await raw(server, upgrade)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await raw(server, 'TRACE /execute HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 404 /,
    )
  })

  it('lets go of clients that are slow with their headers or their body (H01)', async () => {
    const server = await start({ headersTimeoutMs: 200, requestTimeoutMs: 300, checkEveryMs: 50 })
    expect(await raw(server, 'GET /healthz HTTP/1.1\r\nHo')).toMatch(/^HTTP\/1\.1 408 /)
    expect(await raw(server, `POST /execute HTTP/1.1\r\n${HEADERS}Content-Length: 50\r\n\r\n{`)).toMatch(
      /^HTTP\/1\.1 408 /,
    )
  })

  it('answers 504 when the deadline of the action passes before the body is there', async () => {
    const { settings } = runtime.deps
    const short = await testRuntime({
      settings: { ...settings, deadlineMs: 100 },
      monotonicMs: () => performance.now(),
    })
    const server = await start({}, short)
    const answer = await raw(server, `POST /execute HTTP/1.1\r\n${HEADERS}Content-Length: 50\r\n\r\n{`)
    expect(answer).toMatch(/^HTTP\/1\.1 504 /)
    expect(await short.records()).toMatchObject([{ reason_code: 'REQUEST_TIMEOUT', status: 504 }])
    await short.close()
  })

  it('drops connections over the cap (H02)', async () => {
    const server = await start({ maxConnections: 5 })
    const idle = Array.from({ length: 10 }, () => open(server))
    await Promise.all(idle.map((socket) => once(socket, 'connect')))
    const closed = idle.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
    await Promise.race(closed)
    const health = await raw(server, 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(health).toBe('')
  })

  it('says 100 Continue only to a caller whose key is accepted (H14)', async () => {
    const server = await start()
    const send = (key: string) => {
      const headers = {
        ...(ask({}).headers as Record<string, string>),
        'x-api-key': key,
        expect: '100-continue',
        'content-length': question.length,
      }
      const call = request({ port: server.port, path: '/execute', method: 'POST', headers, agent: false })
      let continued = false
      call.on('continue', () => {
        continued = true
        call.end(question)
      })
      call.flushHeaders()
      return once(call, 'response').then(([response]) => {
        call.destroy()
        return { continued, status: (response as { statusCode: number }).statusCode }
      })
    }
    expect(await send(apiKey('acme'))).toEqual({ continued: true, status: 200 })
    expect(await send(apiKey('acme', 'k1', 'f'))).toEqual({ continued: false, status: 401 })
  })

  it('drops the work of a client that went away, and says so in the log', async () => {
    const server = await start()
    const socket = open(server)
    socket.write(`POST /execute HTTP/1.1\r\n${HEADERS}Content-Length: 50\r\n\r\n{`)
    await once(socket, 'connect')
    const response = await fetch(`${server.url}/healthz`)
    expect(response.status).toBe(200)
    socket.destroy()
    for (let at = 0; runtime.deps.audit.status().size === 0 && at < 200; at += 1) await fetch(`${server.url}/healthz`)
    expect(await runtime.records()).toMatchObject([{ reason_code: 'REQUEST_ABORTED', decision: 'deny' }])
  })

  it('says which port is taken', async () => {
    const { port } = await start()
    const options = { host: '127.0.0.1', port, limits: SERVER_LIMITS, isDraining: () => false }
    expect(await faultReason(() => listen(() => new Response(), options))).toBe('PORT_TAKEN')
  })
})

describe('a drain', () => {
  it('lets running requests end, closes their connections, and takes no new ones', async () => {
    const server = await start()
    const running = open(server)
    const chunks: Buffer[] = []
    running.on('data', (chunk: Buffer) => chunks.push(chunk))
    running.write(
      `POST /execute HTTP/1.1\r\n${HEADERS.replace('Connection: close\r\n', '')}Content-Length: ${question.length}\r\n\r\n{`,
    )
    await fetch(`${server.url}/healthz`)
    runtime.clock.isDraining = true
    const drained = server.drain(5_000)
    running.write(question.slice(1))
    await once(running, 'close')
    await drained
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 /)
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow()
  })

  it('cuts off what does not end in time', async () => {
    const server = await start()
    const stuck = open(server)
    stuck.write(`POST /execute HTTP/1.1\r\n${HEADERS}Content-Length: 50\r\n\r\n{`)
    await fetch(`${server.url}/healthz`)
    await server.drain(50)
    if (!stuck.closed) await once(stuck, 'close')
    expect(stuck.destroyed).toBe(true)
  })
})
