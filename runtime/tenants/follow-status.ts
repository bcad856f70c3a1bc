import { durationMs } from '../../schemas/duration.ts'
import { freshness, staleness, type Heard } from '../trust/freshness.ts'
import type { VerifiedLedger } from '../trust/ledger.ts'
import type { Built } from './build-table.ts'
import type { Fault } from '../../schemas/fault.ts'
import type { FollowStatus, TenantTable } from './table.ts'

/** What may be wrong at the same time, the worst first. */
export const TROUBLES = ['ledger', 'heartbeat', 'tags', 'disk', 'remote'] as const
export type Troubles = Partial<Record<(typeof TROUBLES)[number], Fault>>

export type Followed = {
  accepted: VerifiedLedger | null
  built: Built | null
  troubles: Troubles
  heard: Heard | null
  monotonicMs: number
}

const DEFAULT_STALENESS_MS = 3_600_000

/** What `/readyz` and `/status` say of the ledger. */
export function statusOf({ accepted, built, troubles, heard, monotonicMs }: Followed): FollowStatus {
  const age_s = heard === null ? 0 : staleness(heard, monotonicMs) / 1000
  const known = {
    seq: accepted?.seq ?? -1,
    age_s,
    epoch: accepted?.epoch ?? 0,
    head: accepted?.oid ?? null,
    policies: built?.policies ?? null,
    onStoreFailure: accepted?.state.registry.rules.limits?.on_store_failure ?? ('deny' as const),
  }
  const [first] = found(troubles)
  // A server that is away, or a heartbeat that came a moment before its commit, is no alarm: if it lasts, what we hold
  // grows old, and that is told.
  const [alarm] = found(troubles).filter((fault) => fault !== troubles.remote && fault.reason !== 'STALE')
  const why = (fault: Fault | undefined) =>
    fault === undefined ? {} : { reason_code: fault.reason, message: fault.message }
  if (built === null || heard === null) return { status: 'starting', reason_code: 'STARTING', ...why(first), ...known }
  const fresh = freshness(heard, monotonicMs, longestStaleness(built.table))
  const stale = {
    reason_code: 'STALE',
    message: `the controller was last heard of ${Math.round(age_s)} s ago`,
  } as const
  if (fresh !== 'ready') return { status: fresh, ...stale, ...why(alarm), ...known }
  return { status: alarm === undefined ? 'ready' : 'degraded', ...why(alarm), ...known }
}

const found = (troubles: Troubles): Fault[] => TROUBLES.flatMap((part) => troubles[part] ?? [])

const longest = new WeakMap<TenantTable, number>()

/** Nobody may be served any more only after the most patient tenant's time; each tenant's own is checked for itself. */
function longestStaleness(table: TenantTable): number {
  const known = longest.get(table)
  if (known !== undefined) return known
  const active = [...table.values()].filter(({ state }) => state.status === 'active')
  const times = active.map(({ state }) => durationMs(state.max_staleness) ?? 0)
  const value = times.length === 0 ? DEFAULT_STALENESS_MS : times.reduce((a, b) => Math.max(a, b))
  longest.set(table, value)
  return value
}
