import { appendFile, copyFile, cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCheckpoint } from '../../../runtime/audit/checkpoint.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog, type AuditLogOptions } from '../../../runtime/audit/log.ts'
import { inclusionProof, leafHash, rootAt } from '../../../runtime/audit/merkle.ts'
import { parseVerifier } from '../../../runtime/audit/note.ts'
import { rootFromInclusion } from '../../../runtime/audit/proof.ts'
import { readSegment } from '../../../runtime/audit/segment.ts'
import { readEntries, tileNodes } from '../../../runtime/audit/tile-files.ts'
import { verifyAuditFolder } from '../../../runtime/audit/verify-log.ts'
import { aRecord } from '../../support/audit-record.ts'
import { faultReason } from '../../support/fault-reason.ts'

let dir: string
let open: AuditLog[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'audit-'))
})
afterEach(async () => {
  for (const log of open) await log.close().catch(() => undefined)
  open = []
  await rm(dir, { recursive: true, force: true })
})

async function openLog(changes: Partial<AuditLogOptions> = {}): Promise<AuditLog> {
  const options = {
    ...AUDIT_DEFAULTS,
    dir,
    registry: 'acme',
    node: 'node-1',
    onPublishError: () => undefined,
    ...changes,
  }
  const log = await openAuditLog(options)
  open.push(log)
  return log
}

async function append(log: AuditLog, count: number, from = 0): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => log.append(aRecord({ request_id: `r-${from + at}` }))))
}

/** What a SIGKILL leaves: the files as they stand, without a last checkpoint. */
async function crashed(log: AuditLog): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'audit-crashed-'))
  await cp(dir, copy, { recursive: true })
  await rm(join(copy, 'lock'), { force: true })
  await log.close()
  await rm(dir, { recursive: true, force: true })
  dir = copy
  return copy
}

async function lastSegment(): Promise<string> {
  const names = (await readdir(join(dir, 'pending'))).sort()
  return join(dir, 'pending', names.at(-1) as string)
}

const tlog = () => join(dir, 'tlog')

describe('the audit log', () => {
  it('numbers records in the order in which they were appended', async () => {
    const log = await openLog()
    expect(await append(log, 300)).toEqual(Array.from({ length: 300 }, (_, at) => at))
  })

  it('publishes tiles whose root is that of the signed checkpoint, and proves any record with them', async () => {
    const log = await openLog()
    await append(log, 700)
    const checkpoint = openCheckpoint(await log.publish(), log.origin, parseVerifier(log.verifier))
    expect(checkpoint.size).toBe(700)
    expect(await rootAt(700, tileNodes(tlog(), 700))).toEqual(checkpoint.root)
    const entry = (await readEntries(tlog(), 1, 256))[44] as Buffer
    expect(JSON.parse(entry.toString())).toMatchObject({ seq: 300, request_id: 'r-300', v: 1 })
    const path = await inclusionProof(300, 700, tileNodes(tlog(), 700))
    expect(rootFromInclusion(300, 700, leafHash(entry), path)).toEqual(checkpoint.root)
  })

  it('goes on where it ended, over many restarts and checkpoints', async () => {
    for (const from of [0, 100, 200, 300]) {
      const log = await openLog()
      expect(await append(log, 100, from)).toEqual(Array.from({ length: 100 }, (_, at) => from + at))
      if (from === 200) await log.publish()
      await log.close()
    }
    const log = await openLog()
    expect(log.status()).toMatchObject({ size: 400, published: 400 })
    const entries = [...(await readEntries(tlog(), 0, 256)), ...(await readEntries(tlog(), 1, 144))]
    expect(entries.map((entry) => (JSON.parse(entry.toString()) as { seq: number }).seq)).toEqual([...entries.keys()])
  })

  it('keeps every answered record over a crash', async () => {
    const log = await openLog()
    await append(log, 10)
    await log.publish()
    await append(log, 300, 10)
    await crashed(log)
    expect((await openLog()).status().size).toBe(310)
  })

  it('keeps files of tiles that a later checkpoint has filled, and no others', async () => {
    const log = await openLog()
    for (let from = 0; from < 512; from += 64) {
      await append(log, 64, from)
      await log.publish()
    }
    expect((await readdir(join(tlog(), 'tile', '0'))).sort()).toEqual(['000', '001'])
    expect((await readdir(join(tlog(), 'tile', 'entries'))).sort()).toEqual(['000', '001'])
  })

  it('holds at most as many records as may wait', async () => {
    const log = await openLog({ maxQueued: 5 })
    const reasons = await Promise.all(
      Array.from({ length: 50 }, () =>
        log.append(aRecord()).then(
          () => 'durable',
          (error: { reason: string }) => error.reason,
        ),
      ),
    )
    expect(reasons.filter((reason) => reason === 'durable')).toHaveLength(5)
    expect(reasons.filter((reason) => reason === 'AUDIT_UNAVAILABLE')).toHaveLength(45)
    expect(await log.append(aRecord())).toBe(5)
  })

  it('refuses a record that no entry bundle can hold, and takes the next', async () => {
    const log = await openLog()
    const large = log.append(aRecord({ intent: 'x'.repeat(70_000) }))
    const next = log.append(aRecord())
    expect(await faultReason(() => large)).toBe('AUDIT_UNAVAILABLE')
    expect(await next).toBe(0)
  })

  it('is held by one process at a time', async () => {
    await openLog()
    expect(await faultReason(() => openLog())).toBe('CONFIG_INVALID')
  })
})

describe('after a crash', () => {
  it.each([1, 17, 40, 400, 700])('cuts off and keeps aside a tail torn by %i bytes', async (bytes) => {
    const log = await openLog()
    await append(log, 5)
    await append(log, 3, 5)
    await crashed(log)
    const segment = await lastSegment()
    await truncate(segment, (await stat(segment)).size - bytes)
    const again = await openLog()
    expect(again.tornBytes).toBeGreaterThan(0)
    expect(again.status().size).toBeLessThan(8)
    expect(again.status().size).toBeGreaterThanOrEqual(5)
    expect(await readdir(join(dir, 'quarantine'))).toHaveLength(1)
    expect(await again.append(aRecord())).toBe(again.status().size - 1)
  })

  it('is a whole beginning of what it was, wherever the last batch was torn', async () => {
    const log = await openLog()
    await append(log, 3)
    await append(log, 3, 3)
    await crashed(log)
    const segment = await lastSegment()
    const whole = await readFile(segment)
    const starts = readSegment(whole, 0, segment).frames.map(({ entry }) => entry.byteOffset - whole.byteOffset)
    const lastBatch = (starts[3] as number) - 19
    const copy = dir
    for (let end = lastBatch; end < whole.length; end += 97) {
      dir = await mkdtemp(join(tmpdir(), 'audit-torn-'))
      await cp(copy, dir, { recursive: true })
      await truncate(await lastSegment(), end)
      const again = await openLog()
      const expected = starts.filter((_, at) => (starts[at + 1] ?? whole.length + 19) - 19 <= end).length
      expect(again.status().size).toBe(expected)
      expect(expected).toBeGreaterThanOrEqual(3)
      await again.close()
      await rm(dir, { recursive: true })
    }
    dir = copy
  })

  it('cuts off what was never a whole record', async () => {
    const log = await openLog()
    await append(log, 5)
    await crashed(log)
    await appendFile(await lastSegment(), Buffer.from('ff6374720000', 'hex'))
    expect((await openLog()).status().size).toBe(5)
  })

  it('writes a full tile again that was torn before a checkpoint covered it', async () => {
    const log = await openLog()
    await append(log, 200)
    await log.publish()
    await append(log, 100, 200)
    await crashed(log)
    for (const path of ['0/000', 'entries/000']) await writeFile(join(tlog(), 'tile', path), 'torn')
    const again = await openLog()
    expect(again.status().size).toBe(300)
    expect(await verifyAuditFolder(dir, again.verifier)).toMatchObject({ size: 300 })
  })
})

describe('the log refuses to open', () => {
  const reopened = () => faultReason(() => openLog())

  it('when a record is damaged that was durable before another was written', async () => {
    const log = await openLog()
    await append(log, 5)
    await append(log, 5, 5)
    await crashed(log)
    const segment = await lastSegment()
    const bytes = await readFile(segment)
    bytes[100] = (bytes[100] as number) ^ 1
    await writeFile(segment, bytes)
    expect(await reopened()).toBe('AUDIT_BROKEN')
  })

  it('when a tile under its checkpoint is damaged', async () => {
    const log = await openLog()
    await append(log, 5)
    await log.close()
    const tile = join(tlog(), 'tile', '0', '000.p', '5')
    const bytes = await readFile(tile)
    bytes[3] = (bytes[3] as number) ^ 1
    await writeFile(tile, bytes)
    expect(await reopened()).toBe('AUDIT_BROKEN')
  })

  it.each(['log.json', 'tlog/checkpoint', 'tlog/tile', 'keys/checkpoint.key'])('when %s is gone', async (path) => {
    const log = await openLog()
    await append(log, 5)
    await log.close()
    await rm(join(dir, path), { recursive: true })
    expect(await reopened()).toBe('AUDIT_BROKEN')
  })

  it('when its checkpoint is signed by another key', async () => {
    const log = await openLog()
    await log.close()
    const other = await mkdtemp(join(tmpdir(), 'audit-other-'))
    await (await openLog({ dir: other })).close()
    await copyFile(join(other, 'tlog', 'checkpoint'), join(tlog(), 'checkpoint'))
    await rm(other, { recursive: true })
    expect(await reopened()).toBe('UNTRUSTED')
  })

  it('when it is older than what was anchored', async () => {
    const log = await openLog()
    await append(log, 5)
    await log.publish()
    const older = await mkdtemp(join(tmpdir(), 'audit-older-'))
    await cp(dir, older, { recursive: true })
    await append(log, 5, 5)
    const anchor = openCheckpoint(await log.publish(), log.origin, parseVerifier(log.verifier))
    await log.close()
    await rm(dir, { recursive: true })
    dir = older
    await rm(join(dir, 'lock'))
    expect(await faultReason(() => openLog({ anchor }))).toBe('AUDIT_BROKEN')
  })

  it('when it is as long as what was anchored, but different', async () => {
    const log = await openLog()
    await append(log, 5)
    const anchor = openCheckpoint(await log.publish(), log.origin, parseVerifier(log.verifier))
    await log.close()
    expect(await faultReason(() => openLog({ anchor: { ...anchor, root: Buffer.alloc(32) } }))).toBe('AUDIT_BROKEN')
    expect((await openLog({ anchor })).status().size).toBe(5)
  })
})
