/** A statement that nothing newer was kept from us: a heartbeat of the controller, or a lease of the root. */
export type Statement = {
  /** By the controller's clock; null for a lease, which vouches for all of its time. */
  signedAt: Date | null
  expiresAt: Date
}

/** A statement as it was heard. Time goes on by a clock that never jumps, whatever happens to the other one. */
export type Heard = {
  statement: Statement
  /** Milliseconds of the monotonic clock. */
  heardAtMs: number
  /** How old it was then. */
  ageMs: number
  /** How long it was still valid then; not above 0 for one that had expired. */
  validMs: number
}

export type Freshness = 'ready' | 'degraded' | 'expired'

/** @param now wall clock, never before a time that was signed and seen: a clock set back revives nothing. */
export function hear(statement: Statement, now: Date, monotonicMs: number): Heard {
  const ageMs = statement.signedAt === null ? 0 : Math.max(0, now.getTime() - statement.signedAt.getTime())
  return { statement, heardAtMs: monotonicMs, ageMs, validMs: statement.expiresAt.getTime() - now.getTime() }
}

/** Milliseconds since somebody vouched for what we hold. */
export function staleness({ statement, heardAtMs, ageMs, validMs }: Heard, monotonicMs: number): number {
  const passed = monotonicMs - heardAtMs
  return statement.signedAt === null ? Math.max(0, passed - validMs) : ageMs + passed
}

/**
 * Whether what we hold may still be served: `ready` while the statement is valid, `degraded` until it is older than
 * `maxStalenessMs`, then `expired`; `expired` too when nothing was ever heard.
 */
export function freshness(heard: Heard | null, monotonicMs: number, maxStalenessMs: number): Freshness {
  if (heard === null) return 'expired'
  if (monotonicMs - heard.heardAtMs < heard.validMs) return 'ready'
  return staleness(heard, monotonicMs) <= maxStalenessMs ? 'degraded' : 'expired'
}
