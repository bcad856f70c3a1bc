import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '../../schemas/fault.ts'
import type { Limits } from '../../schemas/limits.ts'
import { safeJson } from '../../schemas/safe-json.ts'
import type { Deadlines } from './deadlines.ts'

/** What node:http hands on; absent where a request was made without a socket. */
export type Connection = { incoming?: IncomingMessage; outgoing?: ServerResponse }

const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i

function tooLarge(maxBytes: number): Fault {
  return new Fault('PAYLOAD_TOO_LARGE', `the body is larger than ${maxBytes} bytes`)
}

/**
 * Judges by its headers a body that has not been read.
 * @throws Fault `BODY_MISSING`, `UNSUPPORTED_MEDIA_TYPE` or `PAYLOAD_TOO_LARGE`
 */
export function checkBodyHeaders(headers: Headers, hasBody: boolean, maxBytes: number): void {
  const length = headers.get('content-length')
  if (length === '0' || !hasBody) throw new Fault('BODY_MISSING', 'the request has no body; send a JSON document')
  const type = headers.get('content-type')
  if (type === null || !JSON_TYPE.test(type)) {
    throw new Fault('UNSUPPORTED_MEDIA_TYPE', 'expected Content-Type: application/json')
  }
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new Fault('UNSUPPORTED_MEDIA_TYPE', 'the body must not be compressed: send no Content-Encoding')
  }
  if (length !== null && !(Number(length) <= maxBytes)) throw tooLarge(maxBytes)
}

/** Whether the headers announce a body. */
export function announcesBody(request: Request, { incoming }: Connection): boolean {
  if (incoming === undefined) return request.body !== null
  return incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined
}

function aborted(): Fault {
  return new Fault('REQUEST_ABORTED', 'the client closed the connection before its request was complete')
}

export type BodyLimits = { maxBytes: number; deadlines: Deadlines; atMs: number }

/**
 * Reads a body of at most `maxBytes` until the time `atMs`. A client that waits for `100 Continue` is told to go on.
 * @throws Fault `PAYLOAD_TOO_LARGE`, `REQUEST_TIMEOUT` or `REQUEST_ABORTED`
 */
export function readBody(request: Request, connection: Connection, limits: BodyLimits): Promise<Buffer> {
  const { incoming, outgoing } = connection
  const { maxBytes, deadlines, atMs } = limits
  if (incoming === undefined) return readStream(request, maxBytes)
  if (incoming.headers.expect !== undefined) outgoing?.writeContinue()
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const deadline = {
      atMs,
      expire: () => fail(new Fault('REQUEST_TIMEOUT', 'the body did not arrive before the deadline of the request')),
    }
    // Listeners stay: taking them off would cost more than what they hold, which goes with the request.
    let isSettled = false
    const settle = (): boolean => {
      if (isSettled) return false
      isSettled = true
      deadlines.remove(deadline)
      return true
    }
    const fail = (fault: Fault) => {
      if (!settle()) return
      incoming.pause()
      reject(fault)
    }
    const onData = (chunk: Buffer) => {
      if (isSettled) return
      length += chunk.length
      if (length > maxBytes) fail(tooLarge(maxBytes))
      else chunks.push(chunk)
    }
    const onEnd = () => {
      if (settle()) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
    }
    // Every request is closed in the end, and a Fault costs more than most of what was done for it.
    const onClose = () => {
      if (!isSettled) fail(aborted())
    }
    if (incoming.destroyed) {
      reject(aborted())
      return
    }
    deadlines.add(deadline)
    incoming.on('data', onData).on('end', onEnd).on('error', onClose).on('close', onClose)
  })
}

async function readStream(request: Request, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body ?? []) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** @throws Fault `BODY_MISSING` or `G10_BODY_PARSE_ERROR` */
export function parseBody(bytes: Buffer, limits: Limits): unknown {
  if (bytes.length === 0) throw new Fault('BODY_MISSING', 'the request has no body; send a JSON document')
  const { document, problems } = safeJson(bytes, limits, 'message')
  if (document !== null) return document.value
  const { line, column, message, hint } = problems[0]
  throw new Fault('G10_BODY_PARSE_ERROR', `line ${line}, column ${column}: ${message}. ${hint}`)
}
