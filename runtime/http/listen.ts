import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { randomUUID } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import { REASONS, type Reason } from '../../schemas/reasons.ts'
import { problemBody, problemResponse } from './problem.ts'
import type { Connection } from './read-body.ts'

/** Caps against slow and greedy clients; times in milliseconds. */
export type ServerLimits = {
  headersTimeoutMs: number
  /** For a whole request, headers and body. */
  requestTimeoutMs: number
  keepAliveTimeoutMs: number
  checkEveryMs: number
  maxHeaderBytes: number
  maxHeaders: number
  maxConnections: number
  maxRequestsPerSocket: number
}

export const SERVER_LIMITS: ServerLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  checkEveryMs: 1_000,
  maxHeaderBytes: 16_384,
  maxHeaders: 64,
  maxConnections: 4_096,
  maxRequestsPerSocket: 0,
}

export type Listening = {
  /** `http://host:port` */
  url: string
  port: number
  /** Stops accepting, lets running requests end, and cuts off what is left after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>
}

export type ListenOptions = {
  host: string
  /** 0 takes a free one. */
  port: number
  limits: ServerLimits
  isDraining: () => boolean
}

const IDLE_CHECK_MS = 20

type Fetch = (request: Request, connection: Connection) => Response | Promise<Response>

/** What node:http's parser refuses never reaches a route; the status says what it was. */
function parserReason(code: string | undefined): { status: string; reason: Reason } {
  if (code === 'HPE_HEADER_OVERFLOW')
    return { status: '431 Request Header Fields Too Large', reason: 'REQUEST_MALFORMED' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return { status: '408 Request Timeout', reason: 'REQUEST_MALFORMED' }
  return { status: '400 Bad Request', reason: 'REQUEST_MALFORMED' }
}

function answerParserError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, reason } = parserReason(error.code)
  const body = problemBody(new Fault(reason, REASONS[reason].title), randomUUID(), Number(status.slice(0, 3)))
  const head = [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.end(`${[...head, 'Cache-Control: no-store', 'Connection: close'].join('\r\n')}\r\n\r\n${body}`)
}

/** Answers what the adapter refuses: a malformed target or host. */
function answerAdapterError(error: unknown): Response {
  const isOurs = error instanceof Error && error.name === 'RequestError'
  const reason: Reason = isOurs ? 'REQUEST_MALFORMED' : 'INTERNAL'
  return problemResponse(new Fault(reason, REASONS[reason].title, { cause: error }), randomUUID())
}

function portTaken(error: NodeJS.ErrnoException, { host, port }: ListenOptions): unknown {
  if (error.code === 'EADDRINUSE') {
    return new Fault('PORT_TAKEN', `port ${port} on ${host} is taken; name another one, or 0 for any free one`, {
      cause: error,
    })
  }
  return new Fault('CONFIG_INVALID', `cannot listen on ${host}:${port}: ${error.code ?? 'it failed'}`, { cause: error })
}

/**
 * Not by `server.maxConnections`: a worker of node:cluster that has as many gives the connection back to its primary,
 * which offers it to the next one, and when all are full it goes round and round.
 */
function capConnections(server: Server, most: number): void {
  let open = 0
  server.on('connection', (socket: Socket) => {
    open += 1
    socket.once('close', () => (open -= 1))
    if (open > most) socket.destroy()
  })
}

/** Serves `fetch` over HTTP/1.1. @throws Fault `PORT_TAKEN` or `CONFIG_INVALID` */
export async function listen(fetch: Fetch, options: ListenOptions): Promise<Listening> {
  const { limits, host } = options
  const handle = getRequestListener((request, env) => fetch(request, env as Connection), {
    errorHandler: answerAdapterError,
  })
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    if (options.isDraining()) outgoing.shouldKeepAlive = false
    void handle(incoming, outgoing)
  }
  const server: Server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      maxHeaderSize: limits.maxHeaderBytes,
      insecureHTTPParser: false,
      requireHostHeader: true,
      joinDuplicateHeaders: false,
    },
    listener,
  )
  server.maxHeadersCount = limits.maxHeaders
  capConnections(server, limits.maxConnections)
  server.maxRequestsPerSocket = limits.maxRequestsPerSocket
  // The route says when to go on, once it has judged the headers.
  server.on('checkContinue', listener)
  server.on('clientError', answerParserError)
  server.on('connect', (_request, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(portTaken(error, options)))
    server.listen(options.port, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const named = host.includes(':') ? `[${host}]` : host
  return { url: `http://${named}:${port}`, port, drain: (deadlineMs) => drain(server, deadlineMs) }
}

async function drain(server: Server, deadlineMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
  // A connection whose last request ended after the close began is idle then, and is looked for again.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs)
  await closed
  clearInterval(idle)
  clearTimeout(deadline)
}
