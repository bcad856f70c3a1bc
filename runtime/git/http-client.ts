import * as http from 'node:http'
import * as https from 'node:https'
import { Fault } from '../../schemas/fault.ts'
import { isCode } from './durable-fs.ts'

export type HttpLimits = {
  /** Without a single byte for this long the request is given up. */
  stallMs: number
  /** The whole request, however slowly bytes keep coming. */
  totalMs: number
  maxBytes: number
}

export type HttpRequest = {
  method: 'GET' | 'POST'
  /** Below the repository's URL, with a slash in front. */
  path: string
  headers: Record<string, string>
  body: Buffer | null
  limits: HttpLimits
  /** Whether it may be sent again when a kept connection turns out to be closed: not so a push. */
  repeatable: boolean
  /** What the media type of the answer must be. */
  accept: string
}

export type HttpClient = {
  /** The body, byte by byte within the limits: whoever reads it to its end knows that it came whole. */
  request(request: HttpRequest): Promise<AsyncGenerator<Buffer>>
  close(): void
}

const UNDECIDED = new Set([408, 425, 429, 500, 502, 503, 504])

/**
 * Requests below one URL and nowhere else: no redirects, no proxies, no content encodings.
 * @throws Fault `REMOTE_UNAVAILABLE` (it may work later), `REMOTE_REFUSED` (it will not), `REMOTE_INVALID` (not Git).
 */
export function openHttpClient(base: URL, authorization: string | null): HttpClient {
  const transport = base.protocol === 'https:' ? https : http
  const agent = new transport.Agent({ keepAlive: true, maxSockets: 4 })

  function send(request: HttpRequest): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = transport.request(`${base.href.replace(/\/+$/, '')}${request.path}`, {
        method: request.method,
        agent,
        signal: AbortSignal.timeout(request.limits.totalMs),
        timeout: request.limits.stallMs,
        headers: {
          'accept-encoding': 'identity',
          accept: request.accept,
          'user-agent': 'git/contractor',
          ...(authorization === null ? {} : { authorization }),
          ...(request.body === null ? {} : { 'content-length': String(request.body.length) }),
          ...request.headers,
        },
      })
      sent.on('timeout', () => sent.destroy(unavailable(base, `no byte for ${request.limits.stallMs} ms`)))
      sent.on('response', resolve)
      sent.on('error', (error) =>
        reject(sent.reusedSocket && isCode(error, 'ECONNRESET') ? new StaleConnection() : error),
      )
      sent.end(request.body ?? undefined)
    })
  }

  return {
    async request(request) {
      const response = await send(request)
        .catch((error: unknown) => {
          if (error instanceof StaleConnection && request.repeatable) return send(request)
          throw error
        })
        .catch((error: unknown) => {
          throw asFault(base, error)
        })
      const refusal = judge(base, response, request.accept)
      if (refusal !== null) {
        response.destroy()
        throw refusal
      }
      return bodyWithin(base, response, request.limits.maxBytes)
    },
    close: () => agent.destroy(),
  }
}

/** The server closed a kept connection before it saw the request. */
class StaleConnection extends Error {}

function judge(base: URL, response: http.IncomingMessage, accept: string): Fault | null {
  const status = response.statusCode ?? 0
  const at = base.href
  if (UNDECIDED.has(status)) {
    const seconds = Number(response.headers['retry-after'])
    return new Fault(
      'REMOTE_UNAVAILABLE',
      `${at}: the server answered ${status}`,
      seconds > 0 ? { retryAfterS: seconds } : {},
    )
  }
  if (status >= 300 && status < 400)
    return new Fault(
      'REMOTE_REFUSED',
      `${at}: the server redirects (${status}), which is not followed; set the final URL`,
    )
  if (status === 401 || status === 403)
    return new Fault('REMOTE_REFUSED', `${at}: the server answered ${status}; check the credentials and their rights`)
  if (status !== 200) return new Fault('REMOTE_REFUSED', `${at}: the server answered ${status}; check the URL`)
  if ((response.headers['content-encoding'] ?? 'identity') !== 'identity')
    return new Fault('REMOTE_INVALID', `${at}: the server compressed what may not be`)
  if (response.headers['content-type'] === accept) return null
  return new Fault('REMOTE_INVALID', `${at}: expected ${accept}; this is not a smart HTTP Git server`)
}

async function* bodyWithin(base: URL, response: http.IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  let total = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      total += chunk.length
      if (total > maxBytes)
        throw new Fault('REMOTE_INVALID', `${base.href}: expected at most ${maxBytes} bytes in one answer`)
      yield chunk
    }
  } catch (error) {
    throw asFault(base, error)
  } finally {
    response.destroy()
  }
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function unavailable(base: URL, what: string): Fault {
  return new Fault('REMOTE_UNAVAILABLE', `${base.href}: ${what}`)
}

function asFault(base: URL, error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof Error && ['AbortError', 'TimeoutError'].includes(error.name))
    return unavailable(base, 'the answer took too long')
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
  return unavailable(base, code === 'ECONNRESET' || code === 'ABORT_ERR' ? 'the connection was cut' : code)
}
