import type { AliasState, TenantState } from '../../schemas/ledger/state.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { LoadedBundle } from '../bundle/load.ts'

/** What stands behind an alias: a verified bundle, or why there is none. Never the bundle before it. */
export type Served =
  | { kind: 'bundle'; bundle: LoadedBundle; state: AliasState }
  | { kind: 'refused'; reason: Reason; message: string; state: AliasState }

/** One tenant at one moment; a change of it makes another object. */
export type ServedTenant = {
  state: TenantState
  aliases: { current?: Served; candidate?: Served }
  /** Digest of the organisation's floor that its bundles stand under; null where there is none. */
  policies: string | null
  /** Digest of its values; null where it has none. */
  values: string | null
}

/** Everything that requests are answered from. Never changed: a new one takes its place. */
export type TenantTable = ReadonlyMap<string, ServedTenant>

export type FollowStatus = {
  /** `starting` until the ledger was verified and an unexpired heartbeat or lease was heard once. */
  status: 'starting' | 'ready' | 'degraded' | 'expired'
  /** Why it is not simply `ready`. */
  reason_code?: Reason
  /** The same for people. */
  message?: string
  /** Of the accepted head; -1 before there is one. */
  seq: number
  /** Seconds since the controller, or a lease, vouched for the accepted head. */
  age_s: number
  epoch: number
  /** Oid of the accepted head. */
  head: string | null
  /** Digest of the organisation's floor in force; null where there is none. */
  policies: string | null
  /** The rule of `limits.on_store_failure` in force. */
  onStoreFailure: 'deny' | 'allow'
}
