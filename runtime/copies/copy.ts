import { Fault } from '../../schemas/fault.ts'
import { CopyFailure, type Copied, type Send } from './copied.ts'

export type CopyStatus = {
  name: string
  required: boolean
  /** Whether the last attempt was taken. */
  healthy: boolean
  queued: number
  delivered: number
  /** Records that were given up: for want of room, or because the other side will not take them. */
  dropped: number
}

/** One place that records are copied to, in their order and at least once while the process lives. */
export type Copy = {
  /** Resolves at once, or for a required copy when it is there. @throws Fault `AUDIT_UNAVAILABLE` where a required copy fails */
  take(copied: Copied): Promise<void>
  status(): CopyStatus
  /** Sends what waits, for at most so many milliseconds. */
  stop(graceMs: number): Promise<void>
}

export type CopyOptions = {
  name: string
  isRequired: boolean
  send: Send
  /** Told when it begins to fail, and when it is well again. */
  onTrouble: (error: Error) => void
  onWell: () => void
  /** Milliseconds between attempts: the first, and the most. */
  backoffMs: { first: number; most: number }
  /** Milliseconds that an answer waits for a required copy. */
  ackMs: number
}

export const COPY_DEFAULTS = { backoffMs: { first: 250, most: 10_000 }, ackMs: 2_000 } as const

export const ROOM = { records: 8_192, bytes: 16 * 1024 * 1024, batch: 512 } as const

type Waiting = Copied & { settle: ((error: Fault | null) => void) | null }

export function createCopy(options: CopyOptions): Copy {
  const { name, isRequired, send, backoffMs, ackMs } = options
  const queue: Waiting[] = []
  let bytes = 0
  let [delivered, dropped] = [0, 0]
  let isFailing = false
  let working: Promise<void> | null = null
  let isStopped = false
  let wake: (() => void) | null = null

  const unavailable = (why: string) => new Fault('AUDIT_UNAVAILABLE', `the audit copy ${name} ${why}`)

  function done(batch: readonly Waiting[], error: Fault | null): void {
    queue.splice(0, batch.length)
    for (const { line, settle } of batch) {
      bytes -= line.length
      settle?.(error)
    }
    if (error === null) delivered += batch.length
    else dropped += batch.length
  }

  function well(): void {
    if (isFailing) options.onWell()
    isFailing = false
  }

  /** Whoever waits is refused now; what they brought still waits to be sent. */
  function fail(error: unknown): void {
    if (!isFailing) options.onTrouble(error instanceof Error ? error : new Error(String(error)))
    isFailing = true
    for (const waiting of queue) {
      waiting.settle?.(unavailable('does not take records'))
      waiting.settle = null
    }
  }

  async function work(): Promise<void> {
    for (let pauseMs: number = backoffMs.first; queue.length > 0;) {
      const batch = queue.slice(0, ROOM.batch)
      try {
        await send(batch)
        well()
        done(batch, null)
        pauseMs = backoffMs.first
      } catch (error) {
        fail(error)
        // A required copy gives nothing up: until the other side is mended nothing is answered.
        if (error instanceof CopyFailure && error.again === 'never' && !isRequired) {
          done(batch, unavailable('refused records'))
          continue
        }
        if (isStopped) break
        await pause(Math.max(pauseMs, error instanceof CopyFailure ? error.afterMs : 0))
        pauseMs = Math.min(2 * pauseMs, backoffMs.most)
      }
    }
    working = null
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  function enqueue(waiting: Waiting): void {
    queue.push(waiting)
    bytes += waiting.line.length
    working ??= work()
  }

  return {
    take(copied) {
      if (isStopped || queue.length >= ROOM.records || bytes + copied.line.length > ROOM.bytes) {
        dropped += 1
        return isRequired ? Promise.reject(unavailable('has no room for more records')) : Promise.resolve()
      }
      if (!isRequired || isFailing) {
        enqueue({ ...copied, settle: null })
        return isRequired ? Promise.reject(unavailable('does not take records')) : Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => settle(unavailable(`did not answer within ${ackMs} ms`)), ackMs)
        const settle = (error: Fault | null) => {
          clearTimeout(timer)
          if (error === null) resolve()
          else reject(error)
        }
        enqueue({ ...copied, settle })
      })
    },
    status: () => ({ name, required: isRequired, healthy: !isFailing, queued: queue.length, delivered, dropped }),
    async stop(graceMs) {
      isStopped = true
      wake?.()
      let timer: NodeJS.Timeout | undefined
      const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)))
      await Promise.race([working ?? Promise.resolve(), grace])
      clearTimeout(timer)
    },
  }
}
