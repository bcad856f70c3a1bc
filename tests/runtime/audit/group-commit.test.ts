import { describe, expect, it } from 'vitest'
import { createGroupCommit, type GroupCommitDeps } from '../../../runtime/audit/group-commit.ts'
import { readSegment } from '../../../runtime/audit/segment.ts'
import type { Segment } from '../../../runtime/audit/segment-files.ts'
import { Fault } from '../../../schemas/fault.ts'
import { aRecord } from '../../support/audit-record.ts'
import { faultReason } from '../../support/fault-reason.ts'

type Disk = Segment & {
  /** What a power cut would leave. */
  durable: Buffer
  syncs: number
  failWrite: Error | null
  failSync: Error | null
  /** Holds the next sync until it is called. */
  hold: Promise<void> | null
}

/** A disk in memory that fails when it is told to. */
function disk(): Disk {
  let written = Buffer.alloc(0)
  const made: Disk = {
    first: 0,
    durable: Buffer.alloc(0),
    syncs: 0,
    failWrite: null,
    failSync: null,
    hold: null,
    async write(frames) {
      if (made.failWrite !== null) throw made.failWrite
      written = Buffer.concat([written, ...frames])
    },
    async sync() {
      const then = written
      await made.hold
      if (made.failSync !== null) throw made.failSync
      made.syncs += 1
      made.durable = then
    },
    close: () => Promise.resolve(),
  }
  return made
}

function commitOn(segment: Segment, changes: Partial<GroupCommitDeps> = {}) {
  return createGroupCommit({
    size: 0,
    segment: () => Promise.resolve(segment),
    onDurable: () => undefined,
    maxQueued: 1000,
    maxBatch: 100,
    stallMs: 10_000,
    ...changes,
  })
}

const code = (name: string) => Object.assign(new Error(name), { code: name })
const durableCount = (segment: Disk) => readSegment(segment.durable, 0, 'memory').frames.length

describe('group commit', () => {
  it('has made a record durable before its caller is answered', async () => {
    const segment = disk()
    const commit = commitOn(segment)
    const seen: [number, number][] = []
    const appended = Array.from({ length: 250 }, async () => {
      const index = await commit.append(aRecord())
      seen.push([index, durableCount(segment)])
    })
    await Promise.all(appended)
    expect(seen.map(([index]) => index)).toEqual([...seen.keys()])
    for (const [index, durable] of seen) expect(durable).toBeGreaterThan(index)
  })

  it('takes what comes during a sync as the next batch', async () => {
    const segment = disk()
    const commit = commitOn(segment)
    let release = () => undefined as void
    segment.hold = new Promise((resolve) => {
      release = resolve
    })
    const first = commit.append(aRecord())
    await new Promise((resolve) => setImmediate(resolve))
    const others = Array.from({ length: 50 }, () => commit.append(aRecord()))
    release()
    await Promise.all([first, ...others])
    expect(segment.syncs).toBe(2)
  })

  it('refuses the batch of a write that failed, and goes on when there is room again', async () => {
    const segment = disk()
    const commit = commitOn(segment)
    segment.failWrite = code('ENOSPC')
    const refused = await Promise.all([1, 2].map(() => faultReason(() => commit.append(aRecord()))))
    expect(refused).toEqual(['AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE'])
    expect(commit.isHealthy()).toBe(false)
    segment.failWrite = null
    expect(await commit.append(aRecord())).toBe(0)
    expect(commit.isHealthy()).toBe(true)
    expect(durableCount(segment)).toBe(1)
  })

  it('never tries a sync again that failed: nobody knows what is on the disk', async () => {
    const segment = disk()
    const commit = commitOn(segment)
    await commit.append(aRecord())
    segment.failSync = code('EIO')
    expect(await faultReason(() => commit.append(aRecord()))).toBe('AUDIT_UNAVAILABLE')
    segment.failSync = null
    expect(await faultReason(() => commit.append(aRecord()))).toBe('AUDIT_UNAVAILABLE')
    expect(segment.syncs).toBe(1)
    expect(commit.isHealthy()).toBe(false)
  })

  it('ends as well when a torn batch cannot be cut off', async () => {
    const segment = disk()
    const commit = commitOn(segment)
    segment.failWrite = new Fault('AUDIT_BROKEN', 'torn')
    expect(await faultReason(() => commit.append(aRecord()))).toBe('AUDIT_UNAVAILABLE')
    segment.failWrite = null
    expect(await faultReason(() => commit.append(aRecord()))).toBe('AUDIT_UNAVAILABLE')
  })

  it('keeps nobody waiting for a disk that does not answer, and goes on when it does', async () => {
    const segment = disk()
    const commit = commitOn(segment, { stallMs: 30 })
    let release = () => undefined as void
    segment.hold = new Promise((resolve) => {
      release = resolve
    })
    const waiting = [1, 2, 3].map(() => faultReason(() => commit.append(aRecord())))
    expect(await Promise.all(waiting)).toEqual(['AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE', 'AUDIT_UNAVAILABLE'])
    expect(await faultReason(() => commit.append(aRecord()))).toBe('AUDIT_UNAVAILABLE')
    expect(commit.isHealthy()).toBe(false)
    release()
    segment.hold = null
    await commit.idle()
    expect(commit.isHealthy()).toBe(true)
    expect(await commit.append(aRecord())).toBe(3)
  })
})
