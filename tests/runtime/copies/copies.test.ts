import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../../runtime/audit/log.ts'
import { exportRecords } from '../../../runtime/audit/export.ts'
import { logFolders } from '../../../runtime/audit/read-log.ts'
import { createCopy, type Copy } from '../../../runtime/copies/copy.ts'
import type { CopyTarget } from '../../../runtime/copies/copy-settings.ts'
import { sendOverHttp } from '../../../runtime/copies/send-http.ts'
import { sendToStream } from '../../../runtime/copies/send-lines.ts'
import { withCopies } from '../../../runtime/copies/with-copies.ts'
import { aRecord } from '../../support/audit-record.ts'
import { openCollector, type Collector } from '../../support/collector.ts'
import { eventually } from '../../support/eventually.ts'
import { faultReason } from '../../support/fault-reason.ts'

type HttpTarget = Extract<CopyTarget, { url: string }>

const TOKEN = 'CANARY_token_of_the_collector'
const SERVICE = { version: '1.0.0', node: 'node-1' }

let dir: string
let log: AuditLog
let audit: AuditLog
let collector: Collector
let troubles: string[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'copies-'))
  const names = { registry: 'acme', node: 'node-1', onPublishError: () => undefined }
  log = await openAuditLog({ ...AUDIT_DEFAULTS, dir, ...names })
  audit = log
  collector = await openCollector()
  troubles = []
})
afterEach(async () => {
  await audit.close()
  await collector.close()
  await rm(dir, { recursive: true, force: true })
})

function copyTo(changes: Partial<HttpTarget> = {}, ackMs = 2_000): Copy {
  const header = ['authorization', `Bearer ${TOKEN}`] as const
  const target: HttpTarget = {
    name: 'collector',
    to: 'http',
    url: collector.url,
    isRequired: false,
    header,
    ...changes,
  }
  return createCopy({
    name: target.name,
    isRequired: target.isRequired,
    send: sendOverHttp(target, SERVICE),
    onTrouble: ({ message }) => void troubles.push(message),
    onWell: () => void troubles.push('well'),
    backoffMs: { first: 10, most: 40 },
    ackMs,
  })
}

/** Puts copies behind the log. */
function copied(...copies: Copy[]): void {
  audit = withCopies(log, copies)
}

const append = (count: number, changes = {}) =>
  Promise.all(Array.from({ length: count }, (_, at) => audit.append(aRecord({ request_id: `r-${at}`, ...changes }))))
const status = () => audit.status().copies?.[0]
const delivered = (count: number) =>
  eventually(
    async () => status()?.delivered,
    (found) => found === count,
  )

async function exported(): Promise<string> {
  await audit.publish()
  let text = ''
  for await (const line of exportRecords(logFolders(dir), audit.verifier, {})) text += line
  return text
}

describe('a copy over HTTP', () => {
  it('has every record byte for byte as the log has it, in its order', async () => {
    copied(copyTo())
    await append(700)
    await delivered(700)
    expect(collector.requests.map(({ body }) => body).join('')).toBe(await exported())
    expect(collector.requests.length).toBeLessThan(700)
  })

  it('posts JSON lines with the credential of the operator', async () => {
    copied(copyTo())
    await append(1)
    await delivered(1)
    expect(collector.requests[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', authorization: `Bearer ${TOKEN}` },
    })
  })

  it('holds no answer up and loses none where the other side is away', async () => {
    collector.answer = { status: 503 }
    copied(copyTo())
    expect(await append(20)).toHaveLength(20)
    expect(audit.isHealthy()).toBe(true)
    await eventually(
      async () => collector.requests.length,
      (tries) => tries >= 3,
    )
    collector.requests.length = 0
    collector.answer = { status: 200 }
    await delivered(20)
    expect(collector.requests.map(({ body }) => body).join('')).toBe(await exported())
    expect(troubles).toEqual(['the copy was answered with status 503', 'well'])
  })

  it('waits as long as the other side asks for', async () => {
    collector.answer = { status: 429, headers: { 'retry-after': '1' } }
    copied(copyTo())
    const before = performance.now()
    await append(1)
    await eventually(
      async () => collector.requests.length,
      (tries) => tries === 1,
    )
    collector.answer = { status: 200 }
    await delivered(1)
    expect(performance.now() - before).toBeGreaterThan(900)
  })

  it('gives up what the other side will never take, counts it, and goes on', async () => {
    collector.answer = { status: 400 }
    copied(copyTo())
    await append(3)
    await eventually(
      async () => status()?.dropped,
      (found) => found === 3,
    )
    collector.answer = { status: 200 }
    await append(2)
    await delivered(2)
    expect(audit.status()).toMatchObject({ size: 5, healthy: true })
  })

  it('follows no redirect, so that the credential goes nowhere else', async () => {
    const other = await openCollector()
    try {
      collector.answer = { status: 307, headers: { location: other.url } }
      copied(copyTo())
      await append(1)
      await eventually(
        async () => status()?.dropped,
        (found) => found === 1,
      )
      expect(other.requests).toEqual([])
    } finally {
      await other.close()
    }
  })

  it('keeps no more than it has room for', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const names = { name: 'slow', isRequired: false, onTrouble: () => undefined, onWell: () => undefined }
    copied(createCopy({ ...names, send: () => held, backoffMs: { first: 10, most: 40 }, ackMs: 100 }))
    const [copy] = audit.status().copies ?? []
    expect(copy?.queued).toBe(0)
    for (let round = 0; round < 5; round += 1) await append(2_000, { intent: 'x'.repeat(20_000) })
    const { queued = 0, dropped = 0 } = status() ?? {}
    expect(queued * 20_000).toBeLessThanOrEqual(16 * 1024 * 1024)
    expect(queued + dropped).toBe(10_000)
    release()
  })
})

describe('a copy to an OpenTelemetry collector', () => {
  it('is an export request of logs in the JSON encoding of OTLP', async () => {
    copied(copyTo({ to: 'otlp' }))
    await append(1)
    await append(1, { decision: 'deny', reason_code: 'FORBIDDEN', status: 403, intent: null })
    await delivered(2)
    expect(collector.requests[0]?.headers['content-type']).toBe('application/json')
    const sent = collector.requests.map(({ body }) => JSON.parse(body) as Record<string, never[]>)
    const nanos = String(BigInt(Date.parse('2026-08-01T12:00:00.000Z')) * 1_000_000n)
    const [allowed, denied] = sent.flatMap(({ resourceLogs }) =>
      (resourceLogs as unknown as { scopeLogs: { logRecords: Record<string, never>[] }[] }[]).flatMap(({ scopeLogs }) =>
        scopeLogs.flatMap(({ logRecords }) => logRecords),
      ),
    )
    expect(sent[0]).toMatchObject({
      resourceLogs: [
        {
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'contractor-runtime' } },
              { key: 'service.version', value: { stringValue: '1.0.0' } },
              { key: 'service.instance.id', value: { stringValue: 'node-1' } },
            ],
          },
          scopeLogs: [{ scope: { name: 'contractor.audit' } }],
        },
      ],
    })
    expect(allowed).toMatchObject({ timeUnixNano: nanos, severityNumber: 9, severityText: 'INFO' })
    expect(denied).toMatchObject({ severityNumber: 13, severityText: 'WARN' })
    expect(denied?.['attributes']).toContainEqual({
      key: 'contractor.reason_code',
      value: { stringValue: 'FORBIDDEN' },
    })
    expect(denied?.['attributes']).toContainEqual({ key: 'http.response.status_code', value: { intValue: '403' } })
    const bodies = [allowed, denied].map((one) => (one?.['body'] as { stringValue: string } | undefined)?.stringValue)
    expect(`${bodies.join('\n')}\n`).toBe(await exported())
  })

  it('counts as given up what the collector says that it rejected', async () => {
    collector.answer = { status: 200, body: '{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"no"}}' }
    copied(copyTo({ to: 'otlp' }))
    await append(1)
    await eventually(
      async () => status()?.dropped,
      (found) => found === 1,
    )
    expect(collector.requests).toHaveLength(1)
  })

  it('takes an answer without a word as success', async () => {
    collector.answer = { status: 200, body: '{}' }
    copied(copyTo({ to: 'otlp' }))
    await append(1)
    await delivered(1)
  })
})

describe('a required copy', () => {
  it('has the record before its caller is answered', async () => {
    copied(copyTo({ isRequired: true }))
    await audit.append(aRecord({ request_id: 'r-first' }))
    expect(collector.requests.map(({ body }) => body).join('')).toContain('"request_id":"r-first"')
  })

  it.each([
    ['is away', () => collector.close().then(() => undefined)],
    ['fails', () => void (collector.answer = { status: 500 })],
    ['refuses the credential', () => void (collector.answer = { status: 401 })],
    ['does not answer', () => void (collector.answer = 'hang')],
  ])('that %s makes the log unavailable, and the log has the record all the same', async (_name, breakIt) => {
    copied(copyTo({ isRequired: true }, 200))
    await audit.append(aRecord())
    await breakIt()
    expect(await faultReason(() => audit.append(aRecord({ request_id: 'r-lost' })))).toBe('AUDIT_UNAVAILABLE')
    expect(await exported()).toContain('"request_id":"r-lost"')
  })

  it('is shown as unhealthy, refuses at once while it fails, and loses nothing until it is mended', async () => {
    collector.answer = { status: 401 }
    copied(copyTo({ isRequired: true }))
    expect(await faultReason(() => audit.append(aRecord({ request_id: 'r-0' })))).toBe('AUDIT_UNAVAILABLE')
    expect(audit.isHealthy()).toBe(false)
    expect(audit.status()).toMatchObject({
      healthy: false,
      copies: [{ name: 'collector', required: true, healthy: false }],
    })
    expect(await faultReason(() => audit.append(aRecord({ request_id: 'r-1' })))).toBe('AUDIT_UNAVAILABLE')
    collector.requests.length = 0
    collector.answer = { status: 200 }
    await eventually(
      async () => audit.isHealthy(),
      (found) => found,
    )
    await delivered(2)
    expect(await audit.append(aRecord({ request_id: 'r-2' }))).toBe(2)
    expect(collector.requests.map(({ body }) => body).join('')).toBe(await exported())
  })

  it('fails for itself only: the copies beside it go on', async () => {
    const other = await openCollector()
    collector.answer = { status: 500 }
    copied(copyTo({ isRequired: true }), copyTo({ name: 'other', url: other.url }))
    expect(await faultReason(() => audit.append(aRecord()))).toBe('AUDIT_UNAVAILABLE')
    await eventually(
      async () => other.requests.length,
      (found) => found === 1,
    )
    await other.close()
  })
})

describe('a copy on standard output', () => {
  it('is one line for each record', async () => {
    let text = ''
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString()
        done()
      },
    })
    const names = { name: 'out', isRequired: true, onTrouble: () => undefined, onWell: () => undefined }
    copied(createCopy({ ...names, send: sendToStream(stream), backoffMs: { first: 10, most: 40 }, ackMs: 500 }))
    await append(3)
    expect(text).toBe(await exported())
  })

  it('whose reader went away makes the log unavailable where it is required, and ends no process', async () => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) })
    const names = { name: 'out', isRequired: true, onTrouble: () => undefined, onWell: () => undefined }
    copied(createCopy({ ...names, send: sendToStream(stream), backoffMs: { first: 10, most: 40 }, ackMs: 500 }))
    expect(await faultReason(() => audit.append(aRecord()))).toBe('AUDIT_UNAVAILABLE')
  })
})

describe('a stop', () => {
  it('sends what waits', async () => {
    copied(copyTo())
    await append(50)
    await audit.close()
    expect(collector.requests.map(({ body }) => body.trimEnd().split('\n')).flat()).toHaveLength(50)
    audit = { ...audit, close: () => Promise.resolve() }
  })

  it('does not wait for ever for a side that is away', async () => {
    collector.answer = 'hang'
    const copy = copyTo()
    copied(copy)
    await append(1)
    const before = performance.now()
    await copy.stop(100)
    expect(performance.now() - before).toBeLessThan(1_500)
  })
})

it('no message of a copy that fails has the credential in it', async () => {
  collector.answer = { status: 401, body: TOKEN }
  copied(copyTo({ isRequired: true }))
  const refusal = await audit.append(aRecord()).then(
    () => '',
    (error: unknown) => JSON.stringify([String(error), (error as Error).stack]),
  )
  expect(refusal).toContain('collector')
  expect(JSON.stringify([refusal, troubles, audit.status()])).not.toContain('CANARY')
})
