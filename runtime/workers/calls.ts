import type { AliasState } from '../../schemas/ledger/state.ts'
import type { AuditStatus } from '../audit/log.ts'
import type { WitnessStatus } from '../audit/witness-reports.ts'
import type { BundleFiles } from '../bundle/files.ts'
import type { RuntimeConfig } from '../config.ts'
import type { Executions } from '../http/metrics.ts'
import type { Readiness } from '../http/readiness.ts'
import type { LimitVerdict } from '../http/limiter.ts'
import type { LimitOutcome, LimitRequest } from '../limits/limit-store.ts'
import type { FollowStatus } from '../tenants/table.ts'
import type { LedgerNews } from './ledger-news.ts'

/** How the ledger stands for all workers. `vouchedAtMs` is of the clock that all processes of a machine share. */
export type Standing = Omit<FollowStatus, 'age_s'> & { vouchedAtMs: number }

/** What one worker says of itself. */
export type WorkerView = Readiness & {
  worker: number
  may_serve: boolean
  audit: AuditStatus & { verifier: string; witness: WitnessStatus }
}

export type WorkerFigures = {
  view: WorkerView
  executions: [tenant: string, executions: Executions][]
  /** As prom-client gives and takes them. */
  metrics: object[]
}

/** What all workers together say. */
export type FleetFigures = {
  workers: WorkerView[]
  executions: ReadonlyMap<string, Executions>
  /** Prometheus text format. */
  metrics: string
}

/** How a worker asks for them. */
export type Fleet = { look(): Promise<FleetFigures> }

/** What a worker asks its primary. */
export type PrimaryCalls = {
  /** Its audit log is open: what no snapshot counted of it is counted now. */
  opened: { ask: { dir: string; origin: string; published: number }; answer: null }
  take: { ask: LimitRequest; answer: LimitOutcome }
  takeInvalid: { ask: null; answer: LimitVerdict }
  bundle: { ask: AliasState; answer: BundleFiles }
  fleet: { ask: null; answer: FleetFigures }
}

export type WorkerStart = {
  worker: number
  config: RuntimeConfig
  ledger: LedgerNews | null
  standing: Standing
}

/** What a primary asks a worker. */
export type WorkerCalls = {
  start: { ask: WorkerStart; answer: { url: string; port: number } }
  /** Answered once it is served. */
  ledger: { ask: LedgerNews; answer: null }
  standing: { ask: Standing; answer: null }
  reload: { ask: RuntimeConfig; answer: null }
  figures: { ask: null; answer: WorkerFigures }
  /** Records in its audit log. */
  size: { ask: null; answer: { origin: string; size: number } }
  /** Drains, closes its log and answers; then it ends. */
  stop: { ask: null; answer: { origin: string; size: number } }
}

/** Milliseconds of a clock that never goes back and is the same in all processes of this machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}
