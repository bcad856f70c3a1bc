import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '../../schemas/fault.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { FetchJob, Fetched } from './fetch-job.ts'

export type FetchProcess = {
  /** Starts the process before there is a job for it. */
  warm(): void
  /** Runs one job; one at a time. @throws Fault as the job, `REMOTE_INVALID` when it had to be killed. */
  run(job: FetchJob): Promise<Fetched>
  close(): void
}

export type FetchProcessLimits = {
  heapMiB: number
  /** Memory of the whole process; what was received counts several times. */
  residentBytes: number
  timeoutMs: number
}

type Answer =
  | { kind: 'fetched'; fetched: Fetched }
  | { kind: 'failed'; reason: Reason | null; message: string; retryAfterS?: number }

const SCRIPT = fileURLToPath(new URL(`./fetch-child${extname(import.meta.url)}`, import.meta.url))
const PAGE_BYTES = 4096
const WATCH_MS = 50
/** A process is replaced after this many jobs, and after every one that failed. */
const MAX_JOBS = 200
const PASSED_ON = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'TZ']

/**
 * A process of its own group, with a limit on its heap, its memory and its time, in which a fetch is read and verified.
 * It is kept warm between fetches, so that a poll that finds something new does not wait for a start.
 */
export function openFetchProcess(limits: FetchProcessLimits): FetchProcess {
  let child: ChildProcess | null = null
  let jobs = 0
  let closed = false
  const stop = () => {
    if (child !== null) kill(child)
    child = null
    jobs = 0
  }
  const running = (): ChildProcess => {
    if (child?.exitCode !== null || child.signalCode !== null || !child.connected) stop()
    return (child ??= start(limits))
  }
  return {
    warm() {
      if (!closed) running()
    },
    async run(job) {
      if (closed) throw new Fault('REMOTE_UNAVAILABLE', 'the repository was closed')
      try {
        const fetched = await runIn(running(), job, limits)
        if (++jobs >= MAX_JOBS) stop()
        return fetched
      } catch (error) {
        stop()
        throw error
      }
    },
    close() {
      closed = true
      stop()
    },
  }
}

function start({ heapMiB }: FetchProcessLimits): ChildProcess {
  const environment = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  const child = spawn(process.execPath, [`--max-old-space-size=${heapMiB}`, SCRIPT], {
    detached: true,
    env: Object.fromEntries(environment),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  child.on('error', () => undefined)
  child.unref()
  child.channel?.unref()
  return child
}

function runIn(child: ChildProcess, job: FetchJob, limits: FetchProcessLimits): Promise<Fetched> {
  return new Promise<Fetched>((resolve, reject) => {
    const stop = (reason: Reason, message: string) => {
      kill(child)
      settle(() => reject(new Fault(reason, message)))
    }
    const timer = setTimeout(
      () => stop('REMOTE_UNAVAILABLE', `${job.url}: the fetch took longer than ${limits.timeoutMs} ms`),
      limits.timeoutMs,
    )
    const watch = setInterval(() => {
      if (residentBytes(child.pid) > limits.residentBytes)
        stop('REMOTE_INVALID', `${job.url}: reading what the server sent needs too much memory`)
    }, WATCH_MS)
    const onExit = () =>
      stop('REMOTE_INVALID', `${job.url}: the process that reads what the server sent came to its limits`)
    const onMessage = (answer: Answer) =>
      settle(() => {
        if (answer.kind === 'fetched') resolve(answer.fetched)
        else reject(faultOf(answer))
      })
    const settle = (end: () => void) => {
      clearTimeout(timer)
      clearInterval(watch)
      child.off('exit', onExit)
      child.off('message', onMessage)
      child.channel?.unref()
      end()
    }
    child.on('exit', onExit)
    child.on('message', onMessage)
    child.channel?.ref()
    child.send(job, (error) => {
      if (error !== null) onExit()
    })
  })
}

function faultOf({ reason, message, retryAfterS }: Answer & { kind: 'failed' }): Error {
  if (reason === null) return new Error(`fetch: ${message}`)
  return new Fault(reason, message, retryAfterS === undefined ? {} : { retryAfterS })
}

/** Kills the process and whatever it started. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

/** Zero where the system does not tell. */
function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}
