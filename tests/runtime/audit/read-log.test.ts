import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { archiveRecords } from '../../../runtime/audit/archive.ts'
import { openCheckpoint } from '../../../runtime/audit/checkpoint.ts'
import { exportRecords, tailRecords } from '../../../runtime/audit/export.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../../runtime/audit/log.ts'
import { parseVerifier } from '../../../runtime/audit/note.ts'
import { isConsistent } from '../../../runtime/audit/proof.ts'
import { proveConsistency, proveRequest } from '../../../runtime/audit/prove.ts'
import { logFolders, readPending } from '../../../runtime/audit/read-log.ts'
import { verifyTlogProof } from '../../../runtime/audit/tlog-proof.ts'
import { verifyLog } from '../../../runtime/audit/verify-log.ts'
import { aRecord } from '../../support/audit-record.ts'
import { faultReason } from '../../support/fault-reason.ts'

const RECORDS = 600
let dir: string
let log: AuditLog

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'audit-read-'))
  log = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'acme',
    node: 'node-1',
    onPublishError: () => undefined,
  })
  const ts = (at: number) => new Date(Date.UTC(2026, 0, 1) + at * 3_600_000).toISOString()
  const records = Array.from({ length: RECORDS }, (_, at) =>
    aRecord({ request_id: `r-${at}`, ts: ts(at), tenant: at % 2 === 0 ? 'acme' : 'globex' }),
  )
  await Promise.all(records.map((record) => log.append(record)))
  await log.publish()
})
afterEach(async () => {
  await log.close()
  await rm(dir, { recursive: true })
})

const folders = () => logFolders(dir)

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(join(dir, 'tlog', path))
  bytes[at] = (bytes[at] as number) ^ 1
  await writeFile(join(dir, 'tlog', path), bytes)
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('verifying a log', () => {
  it('reads every record and finds the root that was signed', async () => {
    expect(await verifyLog(folders(), log.verifier)).toMatchObject({
      origin: log.origin,
      size: RECORDS,
      first: '2026-01-01T00:00:00.000Z',
      decisions: { allow: RECORDS, deny: 0 },
    })
  })

  it.each([
    ['a record', 'tile/entries/000', 300],
    ['a record at the edge', 'tile/entries/002.p/88', 300],
    ['a tile', 'tile/0/001', 40],
    ['a partial tile', 'tile/0/002.p/88', 40],
    ['an upper tile', 'tile/1/000.p/2', 40],
  ])('finds a flipped bit in %s', async (_name, path, at) => {
    await flip(path, at)
    expect(await faultReason(() => verifyLog(folders(), log.verifier))).toBe('AUDIT_BROKEN')
  })

  it('is not misled by a checkpoint of another key', async () => {
    const other = log.verifier.replace(/\+.*/, '+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW')
    expect(await faultReason(() => verifyLog(folders(), other))).toBe('UNTRUSTED')
  })

  it('compares the log with what others anchored of it', async () => {
    const anchor = openCheckpoint(await log.publish(), log.origin, parseVerifier(log.verifier))
    await log.append(aRecord())
    await log.publish()
    expect(await verifyLog(folders(), log.verifier, { anchors: [anchor] })).toMatchObject({
      anchors: 1,
      size: RECORDS + 1,
    })
    const forged = { ...anchor, root: Buffer.alloc(32) }
    expect(await faultReason(() => verifyLog(folders(), log.verifier, { anchors: [forged] }))).toBe('AUDIT_BROKEN')
    const longer = { ...anchor, size: RECORDS + 100 }
    expect(await faultReason(() => verifyLog(folders(), log.verifier, { anchors: [longer] }))).toBe('AUDIT_BROKEN')
  })
})

describe('proving a request', () => {
  it.each(['r-0', 'r-255', 'r-256', 'r-511', 'r-599'])(
    'gives for %s a proof that needs nothing but the key',
    async (id) => {
      const { entry, proof } = await proveRequest(folders(), log.verifier, id)
      expect(JSON.parse(entry.toString())).toMatchObject({ request_id: id })
      expect(verifyTlogProof(proof, entry, log.verifier)).toMatchObject({
        index: Number(id.slice(2)),
        checkpoint: { size: RECORDS },
      })
    },
  )

  it('does not verify for another record, another place or another root', async () => {
    const { entry, proof } = await proveRequest(folders(), log.verifier, 'r-7')
    const changed = Buffer.from(entry.toString().replace('"allow"', '"deny"'))
    expect(await faultReason(() => verifyTlogProof(proof, changed, log.verifier))).toBe('UNTRUSTED')
    expect(await faultReason(() => verifyTlogProof(proof.replace('index 7', 'index 8'), entry, log.verifier))).toBe(
      'UNTRUSTED',
    )
    expect(await faultReason(() => verifyTlogProof(proof.replace('\n600\n', '\n601\n'), entry, log.verifier))).toBe(
      'UNTRUSTED',
    )
    expect(await faultReason(() => verifyTlogProof('x', entry, log.verifier))).toBe('UNTRUSTED')
  })

  it('says that it found none, where the log has none', async () => {
    expect(await faultReason(() => proveRequest(folders(), log.verifier, 'nobody'))).toBe('NOT_FOUND')
  })

  it('shows a witness that the log was only appended to', async () => {
    const before = openCheckpoint(await log.publish(), log.origin, parseVerifier(log.verifier))
    for (let at = 0; at < 300; at += 1) void log.append(aRecord())
    await log.append(aRecord())
    const now = openCheckpoint(await log.publish(), log.origin, parseVerifier(log.verifier))
    const path = await proveConsistency(folders(), before.size, now)
    expect(isConsistent(before, now, path)).toBe(true)
    expect(isConsistent({ ...before, root: Buffer.alloc(32) }, now, path)).toBe(false)
  })
})

describe('reading records', () => {
  it('exports them as JSON lines, by tenant and time', async () => {
    expect(await collect(exportRecords(folders(), log.verifier))).toHaveLength(RECORDS)
    const filter = { tenant: 'globex', since: '2026-01-02T00:00:00.000Z', until: '2026-01-03T00:00:00.000Z' }
    const lines = await collect(exportRecords(folders(), log.verifier, filter))
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([
      25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47,
    ])
  })

  it('tails those, too, that no checkpoint covers yet', async () => {
    await log.append(aRecord({ request_id: 'fresh' }))
    expect(await readPending(dir, RECORDS)).toMatchObject([{ index: RECORDS, record: { request_id: 'fresh' } }])
    const shown = await collect(tailRecords(dir, { verifier: log.verifier, last: 3, follow: false, everyMs: 10 }))
    expect(shown.map(({ record }) => record.request_id)).toEqual(['r-598', 'r-599', 'fresh'])
  })

  it('follows new ones as they come, over a checkpoint', async () => {
    const stop = new AbortController()
    const seen: (string | null)[] = []
    const tail = tailRecords(dir, { verifier: log.verifier, last: 1, follow: true, everyMs: 5, signal: stop.signal })
    for await (const { record } of tail) {
      seen.push(record.request_id)
      if (seen.length === 1) await log.append(aRecord({ request_id: 'a' }))
      if (seen.length === 2) {
        await log.publish()
        await log.append(aRecord({ request_id: 'b' }))
      }
      if (seen.length === 3) stop.abort()
    }
    expect(seen).toEqual(['r-599', 'a', 'b'])
  })
})

describe('archiving', () => {
  const options = (days: number) => ({
    tlog: join(dir, 'tlog'),
    archive: join(dir, 'archive'),
    verifier: log.verifier,
    olderThanDays: days,
    now: new Date('2026-04-20T00:00:00Z'),
  })

  it('moves old bundles, and their records still prove and verify', async () => {
    expect(await archiveRecords(options(90))).toEqual([0])
    expect(await faultReason(() => verifyLog(folders(), log.verifier))).toBe('AUDIT_BROKEN')
    const both = logFolders(dir, join(dir, 'archive'))
    expect(await verifyLog(both, log.verifier)).toMatchObject({ size: RECORDS })
    const { entry, proof } = await proveRequest(both, log.verifier, 'r-3')
    expect(verifyTlogProof(proof, entry, log.verifier).index).toBe(3)
    expect(await archiveRecords(options(90))).toEqual([])
  })

  it('is refused below 90 days, and for a record that the log did not hash', async () => {
    expect(await faultReason(() => archiveRecords(options(89)))).toBe('USAGE')
    await flip('tile/entries/000', 300)
    expect(await faultReason(() => archiveRecords(options(90)))).toBe('AUDIT_BROKEN')
  })
})
