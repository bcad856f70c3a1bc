import { readFile } from 'node:fs/promises'
import { absentAsNull, writeDurably } from '../../runtime/git/durable-fs.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import type { CommitStatus } from '../forge/commit-status.ts'
import type { LaterLane } from '../gates/lanes.ts'
import { governanceDigest, governanceInForce } from '../promotion/governance-files.ts'
import type { LedgerHead } from '../promotion/head.ts'
import { MERGE_CONTEXT, type PullVerdict } from './pull-verdict.ts'
import type { PullHead, PullHeads } from './pull-heads.ts'
import type { Judged, PullProcesses } from './pull-process.ts'

/** Judges heads of pull requests, one at a time, while nothing else is to be judged. */
export type Pulls = {
  /** Pull requests may have changed: look soon. Answers when a look that began after now has ended. */
  look: () => Promise<void>
  stop: () => Promise<void>
}

export type PullsDeps = {
  heads: PullHeads
  root: Root
  head: () => LedgerHead
  /** Oid of the tip of `main`; null where there is none. */
  main: () => Promise<string | null>
  lane: LaterLane
  processes: PullProcesses
  /** Where verdicts are kept, so that a restart judges nothing twice. */
  file: string
  put: (status: Omit<CommitStatus, 'target'>) => void
  onFault: (fault: Fault) => void
  onInternal: (error: unknown) => void
  now: () => Date
  /** How often to look where nobody says that something changed. */
  everyMs: number
}

const MAX_KEPT = 2_000
/** What failed for reasons that are not the head's is tried again after this. */
const RETRY_MS = 5 * 60_000
/** A crash or a time-out may be the machine's fault, and is more often the head's. */
const CRASH_RETRY_MS = 60 * 60_000

export async function openPulls(deps: PullsDeps): Promise<Pulls> {
  const { heads, root, head: ledger, lane, processes, file, put, now } = deps
  const known = new Map(parse(await absentAsNull(readFile(file, 'utf8'))))
  const failed = new Map<string, number>()
  let running: Promise<void> | null = null
  let next: Promise<void> | null = null
  let stopped = false

  async function round(): Promise<void> {
    for (const head of await heads.list()) {
      const key = keyOf(head, ledger())
      if (stopped || known.has(key) || (failed.get(key) ?? 0) > performance.now()) continue
      await lane.run(() => judge(head, key))
    }
  }

  async function judge(head: PullHead, key: string): Promise<void> {
    const tell = (verdict: PullVerdict) => put({ commit: head.oid, context: MERGE_CONTEXT, ...verdict })
    const main = await deps.main()
    if (main === null || stopped) return
    tell({ state: 'pending', description: 'The controller judges what a merge would do.' })
    const { crashed, ...verdict } = await verdictOf(head, main)
    tell(verdict)
    if (verdict.state === 'error' || crashed === true) {
      failed.set(key, performance.now() + (crashed === true ? CRASH_RETRY_MS : RETRY_MS))
      return
    }
    known.set(key, verdict)
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KEPT) break
      known.delete(oldest)
    }
    await writeDurably(file, `${JSON.stringify([...known])}\n`, 0o600)
  }

  async function verdictOf(head: PullHead, main: string): Promise<Judged> {
    const { oid: live } = ledger()
    try {
      const { objects } = await heads.fetch(head)
      return await processes.judge({ objects, root, live, main, head: head.oid, now: now().toISOString() })
    } catch (error) {
      if (!(error instanceof Fault) || error.reason === 'DRAINING') throw error
      const isOfHead = error.reason === 'REMOTE_INVALID'
      return { state: isOfHead ? 'failure' : 'error', description: `${error.reason}: the head cannot be fetched.` }
    }
  }

  function tellFault(error: unknown): void {
    if (error instanceof Fault && (error.reason === 'DRAINING' || error.reason === 'GATES_BUSY')) return
    if (error instanceof Fault) deps.onFault(error)
    else deps.onInternal(error)
  }

  function look(): Promise<void> {
    if (stopped) return Promise.resolve()
    if (running !== null)
      return (next ??= running.then(() => {
        next = null
        return look()
      }))
    running = round()
      .catch(tellFault)
      .finally(() => (running = null))
    return running
  }

  const interval = setInterval(() => void look(), deps.everyMs)
  void look()
  return {
    look,
    async stop() {
      stopped = true
      clearInterval(interval)
      await processes.stop()
      await running
    },
  }
}

/** A verdict holds for a head and the governance that it was judged under. */
function keyOf({ oid }: PullHead, { state }: LedgerHead): string {
  return `${oid} ${governanceDigest(governanceInForce(state.governance))}`
}

/** Verdicts that cannot be read are made again. */
function parse(text: string | null): [string, PullVerdict][] {
  try {
    const kept = JSON.parse(text ?? '[]') as unknown
    return Array.isArray(kept) ? (kept as [string, PullVerdict][]) : []
  } catch {
    return []
  }
}
