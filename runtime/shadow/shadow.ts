import type { ServerResponse } from 'node:http'
import type { AuditLog } from '../audit/log.ts'
import type { RecordOrigin } from '../audit/record.ts'
import type { ExecutionRequest } from '../engine/execute.ts'
import type { RuntimeDeps } from '../http/deps.ts'
import { faultOf } from '../http/problem.ts'
import { mayShadow, shadowRecord, type Compared, type ShadowResult } from './compare.ts'
import { isSampled } from './sample.ts'

/** An answer that is durable and about to leave. */
export type ShadowOffer = Omit<Compared, 'candidate'> & {
  /** Reads the request again when its turn comes. */
  request: () => Omit<ExecutionRequest, 'explain'>
  /** What is kept in memory until then. */
  bytes: number
  /** What the answer leaves through; absent where a request was made without a socket. */
  outgoing: ServerResponse | undefined
}

export type Shadow = {
  /** Runs the candidate beside the answer once that has left, where the tenant asks for it. */
  offer(offer: ShadowOffer): void
  /** Resolves when nothing runs; what waits is dropped. */
  stop(): Promise<void>
}

export type ShadowOutcome = 'agreed' | 'differed' | 'dropped'

export type ShadowDeps = Pick<RuntimeDeps, 'tenants' | 'execute' | 'monotonicMs'> & {
  audit: Pick<AuditLog, 'append'>
  origin: () => RecordOrigin
  onOutcome: (tenant: string, outcome: ShadowOutcome) => void
}

export const NO_SHADOW: Pick<Shadow, 'offer'> = { offer: () => undefined }

/** What may wait at most; more is dropped, and counted. */
export const WAITING = { offers: 256, bytes: 4 * 1024 * 1024 } as const
/** After each run it rests so many times as long: of the time of a process at most one part in ten goes to candidates. */
const REST = 9

type Job = Compared & Pick<ShadowOffer, 'request' | 'bytes'>

/** Runs candidates one at a time, after answers have left. What it cannot do in time it drops. */
export function createShadow(deps: ShadowDeps): Shadow {
  const { audit, monotonicMs } = deps
  const waiting: Job[] = []
  let waitingBytes = 0
  let running: Promise<void> | null = null
  let isStopped = false

  function told({ tenant }: Compared, outcome: ShadowOutcome): void {
    deps.onOutcome(tenant.state.tenant, outcome)
  }

  function enqueue(job: Job): void {
    const isFull = waiting.length >= WAITING.offers || waitingBytes + job.bytes > WAITING.bytes
    if (isFull || isStopped) {
      told(job, 'dropped')
      return
    }
    waiting.push(job)
    waitingBytes += job.bytes
    running ??= work()
  }

  async function work(): Promise<void> {
    await pause(0)
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      waitingBytes -= job.bytes
      const ms = await compare(job)
      if (!isStopped) await pause(REST * ms)
    }
    running = null
  }

  /** @returns milliseconds of the candidate; those of the disk hold nobody up */
  async function compare(job: Job): Promise<number> {
    if (isStopped || !isStillServed(job)) {
      told(job, 'dropped')
      return 0
    }
    const result = run(job)
    const record = shadowRecord(deps.origin(), job, result)
    const isRecorded = await audit.append(record).then(
      () => true,
      // Nobody waits for a comparison. That it is missing is counted.
      () => false,
    )
    told(job, !isRecorded ? 'dropped' : record.reason_code === 'SHADOW_AGREED' ? 'agreed' : 'differed')
    return result.ms
  }

  /** A candidate that was replaced or revoked meanwhile is not run. */
  function isStillServed({ tenant, candidate }: Job): boolean {
    const now = deps.tenants.tenant(tenant.state.tenant)?.aliases.candidate
    return now?.kind === 'bundle' && now.state.digest === candidate.state.digest
  }

  function run({ tenant, candidate, request }: Job): ShadowResult {
    const startedMs = monotonicMs()
    try {
      const asked = { ...request(), explain: false }
      const execution = deps.execute(candidate.bundle, asked, tenant.state.values)
      return { execution, ms: monotonicMs() - startedMs }
    } catch (error) {
      return { reason: faultOf(error).reason, ms: monotonicMs() - startedMs }
    }
  }

  return {
    offer({ tenant, requestId, answer, commitments, request, bytes, outgoing }) {
      const { shadow } = tenant.state
      const { current, candidate } = tenant.aliases
      if (shadow === undefined || candidate?.kind !== 'bundle' || current !== answer.served) return
      if (candidate.state.digest === current.state.digest || !mayShadow(candidate, current.state)) return
      if (!isSampled(requestId, shadow.percent)) return
      const job: Job = { tenant, requestId, answer, commitments, candidate, request, bytes }
      if (outgoing === undefined || outgoing.writableFinished) enqueue(job)
      else outgoing.once('finish', () => enqueue(job))
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void (ms < 1 ? setImmediate(resolve) : setTimeout(resolve, ms)))
}
