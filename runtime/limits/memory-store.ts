import type { Limiter } from '../http/limiter.ts'
import type { Quotas } from '../http/quota.ts'
import type { LimitOutcome, LimitStore } from './limit-store.ts'

export type MemoryStore = LimitStore & { take: (...args: Parameters<LimitStore['take']>) => LimitOutcome }

/** Counters in the memory of one process. */
export function createMemoryStore(deps: { limiter: Limiter; quotas: Quotas; now: () => Date }): MemoryStore {
  const { limiter, quotas, now } = deps
  return {
    take({ tenant, keyId, user, policy, quota }) {
      const verdict = limiter.take({ tenant, keyId, user }, policy)
      if (!verdict.isAllowed) return { ...verdict, refusedBy: 'limit' }
      const left = quotas.take(tenant, quota, now())
      return left.isAllowed ? { ...verdict, refusedBy: null } : { ...left, refusedBy: 'quota' }
    },
    takeInvalid: () => limiter.takeInvalid(),
    status: () => ({ store: 'memory', healthy: true, fallback: false, failures: 0 }),
  }
}
