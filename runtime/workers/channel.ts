import { Fault } from '../../schemas/fault.ts'
import type { Reason } from '../../schemas/reasons.ts'

/** What one side may be asked: for each name what is sent, and what comes back. */
export type Calls = Record<string, { ask: unknown; answer: unknown }>

/** How each name is answered; a Fault arrives at the other side as the same Fault. */
export type Answers<Ours extends Calls> = {
  [Name in keyof Ours]: (value: Ours[Name]['ask']) => Ours[Name]['answer'] | Promise<Ours[Name]['answer']>
}

export type Channel<Theirs extends Calls> = {
  /** @throws Fault of the other side, or `UNDECIDED` when it is gone or says nothing within `timeoutMs` */
  ask<Name extends keyof Theirs & string>(
    name: Name,
    value: Theirs[Name]['ask'],
    timeoutMs?: number,
  ): Promise<Theirs[Name]['answer']>
  /** Refuses whatever waits, and all that comes. */
  close(): void
}

/** A process at the other end. */
export type Wire = { send(frames: unknown[]): void; onFrames(listener: (frames: unknown[]) => void): void }

type Frame =
  | { kind: 'ask'; id: number; name: string; value: unknown }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'fault'; id: number; reason: Reason; message: string }

type Waiting = { resolve: (value: never) => void; reject: (fault: Fault) => void; untilMs: number }

const TIMEOUT_MS = 5_000
const LOOK_MS = 250

const gone = () => new Fault('UNDECIDED', 'the process at the other end is gone, or does not answer')

/** Questions and answers between a primary and a worker; what is said in one turn of the loop is one message. */
export function openChannel<Ours extends Calls, Theirs extends Calls>(
  wire: Wire,
  answers: Answers<Ours>,
): Channel<Theirs> {
  const waiting = new Map<number, Waiting>()
  let outbox: Frame[] = []
  let next = 0
  let isClosed = false

  function post(frame: Frame): void {
    if (outbox.length === 0) setImmediate(flush)
    outbox.push(frame)
  }

  function flush(): void {
    const frames = outbox
    outbox = []
    if (!isClosed) wire.send(frames)
  }

  async function answer(id: number, name: string, value: unknown): Promise<void> {
    try {
      post({ kind: 'answer', id, value: await answers[name as keyof Ours](value) })
    } catch (error) {
      const { reason, message } =
        error instanceof Fault ? error : { reason: 'INTERNAL' as const, message: String(error) }
      post({ kind: 'fault', id, reason, message })
    }
  }

  wire.onFrames((frames) => {
    for (const frame of frames as Frame[]) {
      if (frame.kind === 'ask') {
        void answer(frame.id, frame.name, frame.value)
        continue
      }
      const waiter = waiting.get(frame.id)
      waiting.delete(frame.id)
      if (frame.kind === 'answer') waiter?.resolve(frame.value as never)
      else waiter?.reject(new Fault(frame.reason, frame.message))
    }
  })

  const timer = setInterval(() => {
    const now = performance.now()
    for (const [id, { untilMs, reject }] of waiting) {
      if (untilMs > now) continue
      waiting.delete(id)
      reject(gone())
    }
  }, LOOK_MS)
  timer.unref()

  return {
    ask(name, value, timeoutMs = TIMEOUT_MS) {
      if (isClosed) return Promise.reject(gone())
      return new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject, untilMs: performance.now() + timeoutMs })
        post({ kind: 'ask', id, name, value })
      })
    },
    close() {
      isClosed = true
      clearInterval(timer)
      for (const { reject } of waiting.values()) reject(gone())
      waiting.clear()
    },
  }
}
