import type { LimitPolicy } from '../http/limit-policy.ts'
import type { LimitVerdict, Subject } from '../http/limiter.ts'
import type { Quota } from '../http/quota.ts'

/** One request of a proven caller; `user` is what `X-User-Id` named. */
export type LimitRequest = Subject & { policy: LimitPolicy; quota: Quota }

/** `refusedBy` is null for a request that was let through, and with that counted. */
export type LimitOutcome = LimitVerdict & { refusedBy: 'limit' | 'quota' | null }

/** What `/status` and `/metrics` say of a store. */
export type StoreStatus = {
  store: 'memory' | 'cluster' | 'redis'
  /** Whether the last request found the counters. */
  healthy: boolean
  /** Whether requests are counted by this process alone until the store is back (`limits.on_store_failure: allow`). */
  fallback: boolean
  /** Requests that the store did not count since the start. */
  failures: number
}

/** Where limits and quotas are counted: in this process, in the primary of its workers, or in Redis. */
export type LimitStore = {
  /**
   * Counts one request against the minutes, days and months of tenant, key and user, unless one of them is used up.
   * @throws Fault `LIMITS_UNAVAILABLE` when the counters cannot be reached
   */
  take(request: LimitRequest): LimitOutcome | Promise<LimitOutcome>
  /** Counts one request with an invalid key against one bucket for all. */
  takeInvalid(): LimitVerdict | Promise<LimitVerdict>
  status(): StoreStatus
}
