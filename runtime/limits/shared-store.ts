import { Fault } from '../../schemas/fault.ts'
import type { LimitOutcome, LimitRequest, LimitStore } from './limit-store.ts'

export type SharedStoreDeps = {
  counters: { take(request: LimitRequest): Promise<LimitOutcome> }
  /** What this process counts by itself: all invalid keys, and what it let through. */
  local: LimitStore
  /** `limits.on_store_failure` of registry.yaml, as it is in force now. */
  onFailure: () => 'deny' | 'allow'
  monotonicMs: () => number
}

/** Somebody else counts, so an answer takes its time. */
export type SharedStore = Omit<LimitStore, 'take'> & { take(request: LimitRequest): Promise<LimitOutcome> }

/** After a failure the store is not asked for so long, so that a request does not wait for what is known to be away. */
export const REST_MS = 500

/**
 * Counters that a fleet shares. While they are away a request is denied, or where the registry chose `allow` counted by
 * this process alone, which has counted all along: it is never unlimited.
 */
export function createSharedStore({ counters, local, onFailure, monotonicMs }: SharedStoreDeps): SharedStore {
  let failures = 0
  let healthy = true
  let restUntilMs = -Infinity

  async function ask(request: LimitRequest): Promise<LimitOutcome> {
    if (monotonicMs() < restUntilMs) throw new Fault('LIMITS_UNAVAILABLE', 'the counters of limits are away')
    try {
      const outcome = await counters.take(request)
      healthy = true
      return outcome
    } catch (error) {
      healthy = false
      restUntilMs = monotonicMs() + REST_MS
      throw error
    }
  }

  return {
    async take(request) {
      try {
        const outcome = await ask(request)
        if (outcome.isAllowed && onFailure() === 'allow') await local.take(request)
        return outcome
      } catch (error) {
        failures += 1
        if (onFailure() === 'deny') throw error
        return local.take(request)
      }
    },
    takeInvalid: () => local.takeInvalid(),
    status: () => ({ store: 'redis', healthy, fallback: !healthy && onFailure() === 'allow', failures }),
  }
}
