import type { Limiter } from '../http/limiter.ts'
import type { Quotas } from '../http/quota.ts'
import type { LimitOutcome, LimitStore } from './limit-store.ts'

export type MemoryStore = LimitStore & { take: (...args: Parameters<LimitStore['take']>) => LimitOutcome }

/** Counters in the memory of one process. */
export function createMemoryStore(deps: { limiter: Limiter; quotas: Quotas; now: () => Date }): MemoryStore {
  const { limiter, quotas, now } = deps
  return {
    take({ policy, quota, ...subject }) {
      const at = now()
      const left = quotas.look(subject, quota, at)
      if (!left.isAllowed) return { ...left, refusedBy: 'quota' }
      const verdict = limiter.take(subject, policy)
      if (!verdict.isAllowed) return { ...verdict, refusedBy: 'limit' }
      quotas.count(subject, quota, at)
      return { ...(left.remaining <= verdict.remaining ? left : verdict), refusedBy: null }
    },
    takeInvalid: () => limiter.takeInvalid(),
    status: () => ({ store: 'memory', healthy: true, fallback: false, failures: 0 }),
  }
}
