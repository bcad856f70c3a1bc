import type { AuditLog } from '../audit/log.ts'
import type { WitnessReports } from '../audit/witness-reports.ts'
import type { Denials } from '../audit/denials.ts'
import type { Execution, ExecutionRequest } from '../engine/execute.ts'
import type { LoadedBundle } from '../bundle/load.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { FollowStatus, ServedTenant } from '../tenants/table.ts'
import type { LimitStore } from '../limits/limit-store.ts'
import type { Fleet } from '../workers/calls.ts'
import type { Shadow } from '../shadow/shadow.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** What the routes read of the ledger; the Follower is one. */
export type TenantTable = {
  tenant(name: string): ServedTenant | null
  tenants(): Iterable<ServedTenant>
  status(): FollowStatus
}

export type RuntimeSettings = {
  node: string
  runtimeVersion: string
  maxBodyBytes: number
  /** Milliseconds for any action; a profile may shorten it. */
  deadlineMs: number
  /** SHA-256 of the operator's key; null where there is no operator. */
  operatorKey: Buffer | null
}

export type RuntimeDeps = {
  tenants: TenantTable
  execute: (bundle: LoadedBundle, request: ExecutionRequest, values: Values) => Execution
  audit: AuditLog
  /** What became of the log's checkpoints. */
  witness: Pick<WitnessReports, 'status'>
  denials: Denials
  shadow: Pick<Shadow, 'offer'>
  limits: LimitStore
  metrics: Metrics
  /** Set in a worker: what it and the others say together. */
  fleet?: Fleet | undefined
  log: Log
  settings: RuntimeSettings
  now: () => Date
  /** Milliseconds of a clock that never goes back. */
  monotonicMs: () => number
  /** Whether no new work should come. */
  isDraining: () => boolean
}
