import type { LimitPolicy } from './limit-policy.ts'
import { SlidingWindow } from './sliding-window.ts'

/** `limit` and `remaining` are those of the counter that is closest to its limit. */
export type LimitVerdict = { isAllowed: boolean; limit: number; remaining: number; retryAfterS: number }

export type Subject = { tenant: string; keyId: string; user: string | null }

export type Limiter = {
  /** Counts one request against the tenant, its key and its user, unless one of them is at its limit. */
  take(subject: Subject, policy: LimitPolicy): LimitVerdict
  /** Counts one request with an invalid key, whatever it claims to be, against one bucket for all. */
  takeInvalid(): LimitVerdict
  /** Forgets counters that nothing counts in any more. */
  sweep(): void
  /** Counters held. */
  size(): number
}

const MINUTE_MS = 60_000

/**
 * Sliding minutes in the memory of one process. Only proven tenants and keys get counters, and a tenant cannot have
 * more users in a minute than requests, so that nobody's counters are evicted to make room for another's.
 * @param nowMs a clock that never goes back
 */
export function createLimiter(nowMs: () => number, invalidPerMinute: number): Limiter {
  const tenants = new Map<string, Map<string, SlidingWindow>>()
  const invalid = new SlidingWindow(MINUTE_MS)

  function windowOf(windows: Map<string, SlidingWindow>, name: string): SlidingWindow {
    let window = windows.get(name)
    if (window === undefined) {
      window = new SlidingWindow(MINUTE_MS)
      windows.set(name, window)
    }
    return window
  }

  function verdict(window: SlidingWindow, limit: number, now: number): LimitVerdict {
    const remaining = limit - window.count(now)
    if (remaining > 0) return { isAllowed: true, limit, remaining: remaining - 1, retryAfterS: 0 }
    const waitMs = limit === 0 ? MINUTE_MS : window.waitMs(limit, now)
    return { isAllowed: false, limit, remaining: 0, retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)) }
  }

  return {
    take({ tenant, keyId, user }, policy) {
      const now = nowMs()
      let windows = tenants.get(tenant)
      if (windows === undefined) {
        windows = new Map()
        tenants.set(tenant, windows)
      }
      const whole = windowOf(windows, '')
      let closest = verdict(whole, policy.perTenant, now)
      if (!closest.isAllowed) return closest
      const ofKey = policy.perKey === null ? null : windowOf(windows, `key ${keyId}`)
      const ofUser = user === null ? null : windowOf(windows, `user ${user}`)
      for (const [window, limit] of [
        [ofKey, policy.perKey],
        [ofUser, policy.perUser],
      ] as const) {
        if (window === null || limit === null) continue
        const found = verdict(window, limit, now)
        if (!found.isAllowed) return found
        if (found.remaining < closest.remaining) closest = found
      }
      whole.add(now)
      ofKey?.add(now)
      ofUser?.add(now)
      return closest
    },
    takeInvalid() {
      const now = nowMs()
      const found = verdict(invalid, invalidPerMinute, now)
      if (found.isAllowed) invalid.add(now)
      return found
    },
    sweep() {
      const now = nowMs()
      for (const [tenant, windows] of tenants) {
        for (const [name, window] of windows) if (window.count(now) === 0) windows.delete(name)
        if (windows.size === 0) tenants.delete(tenant)
      }
    },
    size: () => [...tenants.values()].reduce((sum, windows) => sum + windows.size, 1),
  }
}
