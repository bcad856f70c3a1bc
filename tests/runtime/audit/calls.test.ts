import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { beginCall, closeUnfinished } from '../../../runtime/audit/calls.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../../../runtime/audit/log.ts'
import { findRequest } from '../../../runtime/audit/prove.ts'
import type { AuditRecord } from '../../../runtime/audit/record.ts'
import { logFolders, readRecords, type StoredRecord } from '../../../runtime/audit/read-log.ts'
import { verifyAuditFolder } from '../../../runtime/audit/verify-log.ts'
import { aRecord } from '../../support/audit-record.ts'
import { faultReason } from '../../support/fault-reason.ts'

const ORIGIN = { ts: '2026-08-01T13:00:00.000Z', node: 'node-1', runtime_version: '1.0.0' }
const BEGINS = fileURLToPath(new URL('../../support/begin-calls-program.js', import.meta.url))

let dir: string
let open: AuditLog[]

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'calls-'))
  open = []
})
afterEach(async () => {
  for (const log of open) await log.close()
  await rm(dir, { recursive: true, force: true })
})

async function openLog(folder = dir, maxQueued = 8192): Promise<AuditLog> {
  const names = { registry: 'acme', node: 'node-1', onPublishError: () => undefined }
  const log = await openAuditLog({ ...AUDIT_DEFAULTS, dir: folder, ...names, maxQueued })
  open.push(log)
  return log
}

async function closed(log: AuditLog): Promise<void> {
  open = open.filter((one) => one !== log)
  await log.close()
}

async function records(log: AuditLog): Promise<StoredRecord[]> {
  await log.publish()
  const found: StoredRecord[] = []
  for await (const { record } of readRecords(logFolders(dir), 0, log.status().size)) found.push(record)
  return found
}

describe('a call to a model', () => {
  it('is durable in the log before it is made, and its end names its beginning', async () => {
    const log = await openLog()
    const call = await beginCall(log, aRecord({ request_id: 'r-call' }))
    expect((await records(log)).map(({ phase }) => phase)).toEqual(['begin'])
    await call.end(aRecord({ request_id: 'r-call', ms: 812 }))
    const [begin, end] = await records(log)
    expect(begin).toMatchObject({ phase: 'begin', request_id: 'r-call', seq: 0 })
    expect(end).toMatchObject({ phase: 'end', request_id: 'r-call', began: 0, decision: 'allow', ms: 812 })
  })

  it('is not made where its beginning cannot be recorded', async () => {
    const log = await openLog(dir, 0)
    expect(await faultReason(() => beginCall(log, aRecord()))).toBe('AUDIT_UNAVAILABLE')
  })

  it('is proved by its end, not by its beginning', async () => {
    const log = await openLog()
    const call = await beginCall(log, aRecord({ request_id: 'r-call' }))
    await log.publish()
    expect(await findRequest(logFolders(dir), 1, 'r-call')).toBeNull()
    await call.end(aRecord({ request_id: 'r-call' }))
    await log.publish()
    expect((await findRequest(logFolders(dir), 2, 'r-call'))?.record).toMatchObject({ phase: 'end', began: 0 })
  })

  it('that ended leaves nothing to close, whatever other requests have the same id', async () => {
    const log = await openLog()
    const call = await beginCall(log, aRecord({ request_id: 'same' }))
    const lost = await beginCall(log, aRecord({ request_id: 'same', intent: 'lost' }))
    await call.end(aRecord({ request_id: 'same' }))
    await closed(log)
    const again = await openLog()
    expect([...again.unfinished.keys()]).toEqual([1])
    expect(again.unfinished.get(1)).toMatchObject({ intent: 'lost' })
    expect(lost).toBeDefined()
  })
})

describe('a process that is killed in the middle of calls', () => {
  async function killedAfter(calls: number): Promise<void> {
    const child = spawn(process.execPath, [BEGINS, dir, String(calls)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    try {
      await once(child.stdout, 'data')
    } finally {
      child.kill('SIGKILL')
      await exited
    }
  }

  it('leaves them unknown: the next start closes each of them, once', async () => {
    await killedAfter(3)
    const log = await openLog()
    expect(await closeUnfinished(log, ORIGIN)).toBe(3)
    const ends = (await records(log)).filter(({ phase }) => phase === 'end')
    expect(ends.map(({ began, decision, reason_code, status }) => [began, decision, reason_code, status])).toEqual([
      [0, 'allow', 'ALLOWED', 200],
      [2, 'allow', 'ALLOWED', 200],
      [4, 'allow', 'ALLOWED', 200],
      [1, 'unknown', 'OUTCOME_UNKNOWN', 500],
      [3, 'unknown', 'OUTCOME_UNKNOWN', 500],
      [5, 'unknown', 'OUTCOME_UNKNOWN', 500],
    ])
    await closed(log)
    expect((await openLog()).unfinished.size).toBe(0)
    expect(await verifyAuditFolder(dir, log.verifier)).toMatchObject({ decisions: { unknown: 3 } })
  })

  it('is closed to the end by the start after one that was killed, too', async () => {
    await killedAfter(2)
    const log = await openLog()
    const first = {
      append: (record: AuditRecord) => log.append(record),
      unfinished: new Map([...log.unfinished].slice(0, 1)),
    }
    expect(await closeUnfinished(first, ORIGIN)).toBe(1)
    const copy = await mkdtemp(join(tmpdir(), 'calls-crashed-'))
    await cp(dir, copy, { recursive: true })
    await rm(join(copy, 'lock'), { force: true })
    await closed(log)
    const again = await openLog(copy)
    expect(again.unfinished.size).toBe(1)
    await closed(again)
    await rm(copy, { recursive: true })
  })

  it('is found out without the tally, from the records alone', async () => {
    await killedAfter(2)
    await closed(await openLog())
    expect(await readdir(dir)).toContain('tally.json')
    await rm(join(dir, 'tally.json'))
    expect((await openLog()).unfinished.size).toBe(2)
  })
})
