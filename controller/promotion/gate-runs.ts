import type { GateReport } from '../gates/report.ts'
import { judgeBundle, judgeKey, type Judged, type JudgeDeps, type JudgeRequest } from './bundle-judge.ts'

/** Gates that run beside the loop, so that nothing waits behind them but what needs their verdict. */
export type GateRuns = {
  /** Null while there is no verdict. */
  verdictOf: (request: JudgeRequest) => Judged | null
  /** Starts what has no verdict yet; what nobody wants any more and has not begun is dropped. */
  want: (requests: readonly JudgeRequest[]) => void
  /** The bytes of a report that was made since the start. */
  reportOf: (digest: string) => Buffer | null
  stop: () => Promise<void>
}

export type GateRunsDeps = JudgeDeps & {
  now: () => Date
  onStart: (name: string) => void
  /** Called when there is a new verdict; the loop looks again. */
  onVerdict: (name: string, report: GateReport, ms: number) => void
  onFault: (name: string, error: unknown) => void
}

const AT_ONCE = 2
/** A time-out or crash may be the machine's fault: it is tried again after this. */
const RETRY_MS = 15 * 60_000
/** What Git or the disk refused is tried again after the first, then after twice as long, up to the last. */
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
const MAX_KEPT = 1_000

type Known = { judged: Judged; bytes: Buffer; until: number }

export function openGateRuns(deps: GateRunsDeps): GateRuns {
  const known = new Map<string, Known>()
  const reports = new Map<string, Buffer>()
  const running = new Map<string, Promise<void>>()
  const failed = new Map<string, { until: number; pauseMs: number }>()
  let queue: JudgeRequest[] = []
  let stopped = false

  const isSettled = (key: string) => {
    const now = deps.now().getTime()
    return (known.get(key)?.until ?? 0) > now || (failed.get(key)?.until ?? 0) > now
  }

  async function run(key: string, request: JudgeRequest): Promise<void> {
    const begun = deps.now().getTime()
    deps.onStart(request.name)
    try {
      const { judged, report, bytes } = await judgeBundle(deps, request)
      if (stopped) return
      failed.delete(key)
      const isCrash = report.findings.some(({ code }) => code === 'GATE_CRASHED' || code === 'GATE_TIMEOUT')
      known.set(key, { judged, bytes, until: isCrash ? begun + RETRY_MS : Infinity })
      reports.set(judged.report, bytes)
      forgetOldest(known)
      forgetOldest(reports)
      deps.onVerdict(request.name, report, deps.now().getTime() - begun)
    } catch (error) {
      const pauseMs = Math.min(2 * (failed.get(key)?.pauseMs ?? FIRST_RETRY_MS / 2), LAST_RETRY_MS)
      failed.set(key, { until: deps.now().getTime() + pauseMs, pauseMs })
      forgetOldest(failed)
      if (!stopped) deps.onFault(request.name, error)
    } finally {
      running.delete(key)
      startNext()
    }
  }

  function startNext(): void {
    while (running.size < AT_ONCE) {
      const request = stopped ? undefined : queue.shift()
      if (request === undefined) return
      const key = judgeKey(request)
      if (!running.has(key) && !isSettled(key)) running.set(key, run(key, request))
    }
  }

  return {
    verdictOf(request) {
      const found = known.get(judgeKey(request))
      return found !== undefined && found.until > deps.now().getTime() ? found.judged : null
    },
    want(requests) {
      queue = [...requests]
      startNext()
    },
    reportOf: (digest) => reports.get(digest) ?? null,
    async stop() {
      stopped = true
      queue = []
      await deps.sandbox.stop()
      await Promise.allSettled(running.values())
    },
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MAX_KEPT) return
    map.delete(key)
  }
}
