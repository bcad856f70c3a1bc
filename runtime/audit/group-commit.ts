import { Fault } from '../../schemas/fault.ts'
import { serialiseRecord, type AuditRecord } from './record.ts'
import { fitsEntry, formatFrames, MAX_ENTRY_BYTES } from './segment.ts'
import type { Segment } from './segment-files.ts'

type Waiting = { record: AuditRecord; resolve: (index: number) => void; reject: (fault: Fault) => void }
export type Durable = { entry: Buffer; leaf: Buffer }

export type GroupCommitDeps = {
  /** How many records are durable at the start. */
  size: number
  /** The segment for the next batch, which starts at record `size`. */
  segment: (size: number) => Promise<Segment>
  /** Called for each batch once it is durable, before its callers are answered. `records` are those of `batch`. */
  onDurable: (batch: readonly Durable[], records: readonly { record: AuditRecord }[]) => void
  /** Records that may wait; more are refused. */
  maxQueued: number
  /** Records of one batch at most. */
  maxBatch: number
  /** Milliseconds after which those who wait for a disk that does not answer are refused. */
  stallMs: number
}

export type GroupCommit = {
  append(record: AuditRecord): Promise<number>
  /** Whether the last write succeeded and the disk answers. */
  isHealthy(): boolean
  size(): number
  queued(): number
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>
}

function unavailable(message: string, cause?: unknown): Fault {
  return new Fault('AUDIT_UNAVAILABLE', message, { cause })
}

/**
 * Appends with one write and one fdatasync in flight: what arrives meanwhile is the next batch. A write that fails
 * leaves nothing behind and is tried again with the next batch; a sync that fails ends the log for this process,
 * because what is on the disk is unknown until it is read again.
 */
export function createGroupCommit(deps: GroupCommitDeps): GroupCommit {
  let queue: Waiting[] = []
  let size = deps.size
  let state: 'idle' | 'scheduled' | 'writing' | 'stalled' = 'idle'
  let isFailing = false
  let broken: Fault | null = null
  let idlers: (() => void)[] = []

  function refuse(waiting: readonly Waiting[], fault: Fault): void {
    for (const { reject } of waiting) reject(fault)
  }

  function breakLog(cause: unknown): never {
    broken = unavailable('the disk of the audit log failed; restart the Runtime once it is sound', cause)
    throw broken
  }

  function takeBatch(): { batch: Waiting[]; durable: Durable[]; bytes: Buffer } {
    const batch: Waiting[] = []
    const records: string[] = []
    const taken = queue.length <= deps.maxBatch ? queue : queue.slice(0, deps.maxBatch)
    queue = queue.length <= deps.maxBatch ? [] : queue.slice(deps.maxBatch)
    for (const waiting of taken) {
      const record = serialiseRecord(waiting.record, size + batch.length)
      if (!fitsEntry(record)) {
        waiting.reject(unavailable(`the audit record has more than ${MAX_ENTRY_BYTES} bytes`))
        continue
      }
      batch.push(waiting)
      records.push(record)
    }
    const { bytes, frames } = formatFrames(size, records)
    return { batch, durable: frames, bytes }
  }

  async function commit(): Promise<void> {
    state = 'writing'
    const { batch, durable, bytes } = takeBatch()
    const stall = setTimeout(() => {
      state = 'stalled'
      const fault = unavailable(`the disk of the audit log did not answer within ${deps.stallMs} ms`)
      refuse(batch, fault)
      refuse(queue, fault)
      queue = []
    }, deps.stallMs)
    try {
      const segment = await deps.segment(size)
      await segment.write([bytes]).catch((error: unknown) => {
        if (error instanceof Fault) breakLog(error)
        throw error
      })
      await segment.sync().catch((error: unknown) => breakLog(error))
      isFailing = false
      const first = size
      size += batch.length
      deps.onDurable(durable, batch)
      for (const [at, { resolve }] of batch.entries()) resolve(first + at)
    } catch (error) {
      isFailing = true
      const code = (error as NodeJS.ErrnoException).code ?? 'failed'
      refuse(batch, broken ?? unavailable(`the audit record could not be written: ${code}`, error))
    } finally {
      clearTimeout(stall)
    }
    if (broken !== null) {
      refuse(queue, broken)
      queue = []
    }
    state = 'idle'
    schedule()
  }

  function schedule(): void {
    if (queue.length === 0) {
      for (const resolve of idlers) resolve()
      idlers = []
      return
    }
    state = 'scheduled'
    setImmediate(() => void commit())
  }

  return {
    append(record) {
      if (broken !== null) return Promise.reject(broken)
      if (state === 'stalled') return Promise.reject(unavailable('the disk of the audit log does not answer'))
      if (queue.length >= deps.maxQueued) return Promise.reject(unavailable('the queue of the audit log is full'))
      return new Promise((resolve, reject) => {
        queue.push({ record, resolve, reject })
        if (state === 'idle') schedule()
      })
    },
    isHealthy: () => broken === null && !isFailing && state !== 'stalled',
    size: () => size,
    queued: () => queue.length,
    idle: () => (state === 'idle' ? Promise.resolve() : new Promise((resolve) => void idlers.push(resolve))),
  }
}
