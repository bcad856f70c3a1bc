import { readFile } from 'node:fs/promises'
import { absentAsNull, writeDurably } from '../../runtime/git/durable-fs.ts'
import { Fault } from '../../schemas/fault.ts'
import { keyOf, type CommitStatus } from './commit-status.ts'
import type { Posted } from './status-answer.ts'

/** Statuses on their way to the forge, kept on disk until they arrive. */
export type StatusQueue = {
  /** Durable when it answers. The same status is sent once; a new one takes the place of one that still waits. */
  put: (status: CommitStatus) => Promise<void>
  /** How many wait. */
  waiting: () => number
  /** Waits for the request that runs; what waits is sent after the next start. */
  stop: () => Promise<void>
}

export type StatusQueueDeps = {
  file: string
  post: (status: CommitStatus) => Promise<Posted>
  now: () => Date
  onFault: (fault: Fault) => void
  /** The first pause after a failure; each is twice as long, up to the last. */
  pauses?: { firstMs: number; lastMs: number }
}

type Waiting = {
  status: CommitStatus
  tries: number
  since: string
}
type Kept = { waiting: Waiting[]; posted: [key: string, state: string][] }

const MAX_WAITING = 1_000
const MAX_POSTED = 5_000
/** A commit that the forge refuses this often is given up. */
const MAX_TRIES = 6
/** A forge that is away for so long has people who look for themselves. */
const MAX_AGE_MS = 7 * 24 * 3_600_000

export async function openStatusQueue(deps: StatusQueueDeps): Promise<StatusQueue> {
  const { file, post, now, onFault, pauses = { firstMs: 1_000, lastMs: 300_000 } } = deps
  const kept = parse(await absentAsNull(readFile(file, 'utf8')), file)
  const waiting = new Map(kept.waiting.map((each) => [keyOf(each.status), each]))
  const posted = new Map(kept.posted)
  let writing: Promise<void> = Promise.resolve()
  let next: Promise<void> | null = null
  let sending: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  /** When a commit that the forge refused is tried again; by key, on a clock that never goes back. */
  const due = new Map<string, number>()
  let pausedUntil = 0
  let failures = 0
  let told = ''
  let stopped = false

  /** Writes what is known when its turn comes: changes that come while one write runs share the next. */
  function save(): Promise<void> {
    next ??= writing
      .catch(() => undefined)
      .then(() => {
        next = null
        const content: Kept = { waiting: [...waiting.values()], posted: [...posted] }
        return writeDurably(file, `${JSON.stringify(content)}\n`, 0o600)
      })
    writing = next
    return writing
  }

  function tell(message: string): void {
    if (message === told) return
    told = message
    onFault(new Fault('FORGE_UNAVAILABLE', message))
  }

  function trim(): void {
    for (const key of posted.keys()) {
      if (posted.size <= MAX_POSTED) break
      posted.delete(key)
    }
    const oldest = [...waiting.keys()].slice(0, Math.max(0, waiting.size - MAX_WAITING))
    oldest.forEach(forget)
    if (oldest.length > 0)
      tell(`More than ${MAX_WAITING} commit statuses wait for the forge; the oldest were given up.`)
  }

  /** Sends when the forge is to be asked again and the first of what waits is due. */
  function sendSoon(): void {
    if (stopped || sending !== null || waiting.size === 0) return
    if (timer !== null) clearTimeout(timer)
    const first = Math.min(...[...waiting.keys()].map((key) => due.get(key) ?? 0))
    timer = setTimeout(send, Math.max(0, Math.max(first, pausedUntil) - performance.now()))
    timer.unref()
  }

  function send(): void {
    timer = null
    sending = sendAll()
      .catch((error: unknown) => {
        pausedUntil = performance.now() + pauses.lastMs
        tell(`Commit statuses wait: ${error instanceof Error ? error.message : String(error)}`)
      })
      .finally(() => {
        sending = null
        sendSoon()
      })
  }

  async function sendAll(): Promise<void> {
    for (const [key, item] of waiting) {
      if (stopped) return
      if (waiting.get(key) !== item || (due.get(key) ?? 0) > performance.now()) continue
      if (now().getTime() - Date.parse(item.since) > MAX_AGE_MS) giveUp(key, item, 'for 7 days it could not be sent')
      else if (!(await sendOne(key, item))) return
      trim()
      await save()
    }
  }

  /** False where the forge takes nothing now. */
  async function sendOne(key: string, item: Waiting): Promise<boolean> {
    const result = await post(item.status)
    if (result.kind === 'forge-refuses') {
      failures += 1
      pausedUntil = performance.now() + Math.max(result.afterMs ?? 0, pauseAfter(failures))
      tell(`The forge takes no commit status: ${result.why}.`)
      return false
    }
    failures = 0
    // A newer one may have taken its place meanwhile.
    const isNewest = waiting.get(key) === item
    if (result.kind === 'posted') {
      told = ''
      posted.delete(key)
      posted.set(key, saidBy(item.status))
      if (isNewest) forget(key)
    } else if (isNewest) refused(key, item, result.why)
    return true
  }

  function forget(key: string): void {
    waiting.delete(key)
    due.delete(key)
  }

  function giveUp(key: string, { status }: Waiting, why: string): void {
    forget(key)
    tell(`The commit status ${status.context} of ${status.commit} was given up: ${why}.`)
  }

  function refused(key: string, item: Waiting, why: string): void {
    const tries = item.tries + 1
    if (tries >= MAX_TRIES) return giveUp(key, item, `the forge refused it ${tries} times; ${why}`)
    waiting.set(key, { ...item, tries })
    due.set(key, performance.now() + pauseAfter(tries))
  }

  const pauseAfter = (times: number) => Math.min(pauses.firstMs * 2 ** Math.min(times - 1, 20), pauses.lastMs)

  sendSoon()
  return {
    async put(status) {
      const key = keyOf(status)
      const said = saidBy(status)
      const waits = waiting.get(key)
      if (waits === undefined ? posted.get(key) === said : saidBy(waits.status) === said) return
      forget(key)
      waiting.set(key, { status, tries: 0, since: now().toISOString() })
      trim()
      await save()
      sendSoon()
    },
    waiting: () => waiting.size,
    async stop() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      await sending
      await writing.catch(() => undefined)
    },
  }
}

const saidBy = ({ state, description, target }: CommitStatus): string => JSON.stringify([state, description, target])

function parse(text: string | null, file: string): Kept {
  if (text === null) return { waiting: [], posted: [] }
  try {
    const { waiting, posted } = JSON.parse(text) as Kept
    if (Array.isArray(waiting) && Array.isArray(posted)) return { waiting, posted }
  } catch {
    // Told below, as for JSON of another shape.
  }
  throw new Fault(
    'CONFIG_INVALID',
    `${file} is damaged. Remove it: commit statuses are posted again by the next verdicts.`,
  )
}
