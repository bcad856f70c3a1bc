/** What was last heard from the controller, or from the root by a lease. */
export type LastHeard = {
  signedAt: Date
  /** Until then it vouches that nothing newer was kept from us. */
  expiresAt: Date
}

export type Freshness = 'ready' | 'degraded' | 'expired'

/**
 * Whether what we hold may still be served: `ready` while the last heartbeat is valid, `degraded` until
 * `maxStalenessMs` after it was signed, then `expired`; `expired` too when nothing was ever heard.
 */
export function freshness(now: Date, last: LastHeard | null, maxStalenessMs: number): Freshness {
  if (last === null) return 'expired'
  if (now.getTime() < last.expiresAt.getTime()) return 'ready'
  return now.getTime() - last.signedAt.getTime() <= maxStalenessMs ? 'degraded' : 'expired'
}
