import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openChannel, type Answers, type Channel } from './channel.ts'
import type { PrimaryCalls, WorkerCalls } from './calls.ts'

/** One worker as its primary sees it. */
export type WorkerProcess = {
  channel: Channel<WorkerCalls>
  pid: number
  /** Resolves when it is gone, with how it ended. */
  gone: Promise<string>
  kill(): void
}

const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url))

/** Starts a worker. Workers share the sockets on which they listen: node:cluster hands connections to them in turn. */
export function forkWorker(answers: Answers<PrimaryCalls>): WorkerProcess {
  cluster.setupPrimary({ exec: PROGRAM, args: [], execArgv: [], serialization: 'advanced' })
  const worker: Worker = cluster.fork()
  // What is sent to a worker that is going away is lost; that it is gone is told by its exit.
  worker.on('error', () => undefined)
  // What is sent to a process that does not listen yet is lost; the first thing that it says is that it does.
  let early: unknown[] | null = []
  const send = (frames: unknown[]) => {
    if (early !== null) early.push(...frames)
    else if (worker.isConnected()) worker.process.send(frames, () => undefined)
  }
  worker.once('message', () => {
    const waited = early ?? []
    early = null
    send(waited)
  })
  const channel = openChannel<PrimaryCalls, WorkerCalls>(
    {
      send,
      onFrames: (listener) => void worker.on('message', (message) => Array.isArray(message) && listener(message)),
    },
    answers,
  )
  const gone = once(worker, 'exit').then(([code, signal]) => {
    channel.close()
    return signal === null ? `exit code ${code}` : String(signal)
  })
  return { channel, pid: worker.process.pid ?? 0, gone, kill: () => void worker.process.kill('SIGKILL') }
}
