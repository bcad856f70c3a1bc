import type { TenantState } from '../../schemas/ledger/state.ts'
import type { LimitVerdict } from './limiter.ts'

/** Requests of a tenant in the UTC day and month that it asked in last. */
export type QuotaCount = { day: string; inDay: number; month: string; inMonth: number }

export type Quotas = {
  /** Counts one request, unless the tenant's day or month is used up. */
  take(tenant: string, quota: TenantState['quota'], now: Date): LimitVerdict
  /** Counts a request of the past, as it is found in the audit log. */
  add(tenant: string, at: Date): void
  counts(): ReadonlyMap<string, QuotaCount>
}

const DAY_MS = 86_400_000

function nextDay(now: Date): number {
  return Math.floor(now.getTime() / DAY_MS) * DAY_MS + DAY_MS
}

function nextMonth(now: Date): number {
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)
}

/** Counts per UTC day and month. A clock that goes back opens no period again. */
export function createQuotas(counts: Map<string, QuotaCount> = new Map()): Quotas {
  function current(tenant: string, now: Date): QuotaCount {
    const day = now.toISOString().slice(0, 10)
    const month = day.slice(0, 7)
    let count = counts.get(tenant)
    if (count === undefined) {
      count = { day, inDay: 0, month, inMonth: 0 }
      counts.set(tenant, count)
    }
    if (day > count.day) {
      count.day = day
      count.inDay = 0
    }
    if (month > count.month) {
      count.month = month
      count.inMonth = 0
    }
    return count
  }

  return {
    take(tenant, { per_day: perDay, per_month: perMonth }, now) {
      const found = current(tenant, now)
      const periods = [
        { limit: perDay, used: found.inDay, endsMs: nextDay(now) },
        { limit: perMonth, used: found.inMonth, endsMs: nextMonth(now) },
      ].flatMap(({ limit, used, endsMs }) => (limit === undefined ? [] : [{ limit, remaining: limit - used, endsMs }]))
      const spent = periods.findLast(({ remaining }) => remaining <= 0)
      if (spent !== undefined) {
        const retryAfterS = Math.max(1, Math.ceil((spent.endsMs - now.getTime()) / 1000))
        return { isAllowed: false, limit: spent.limit, remaining: 0, retryAfterS }
      }
      found.inDay += 1
      found.inMonth += 1
      const closest = periods.toSorted((a, b) => a.remaining - b.remaining)[0]
      const { limit, remaining } = closest ?? { limit: Number.POSITIVE_INFINITY, remaining: Number.POSITIVE_INFINITY }
      return { isAllowed: true, limit, remaining: remaining - 1, retryAfterS: 0 }
    },
    add(tenant, at) {
      const day = at.toISOString().slice(0, 10)
      const found = current(tenant, at)
      if (day === found.day) found.inDay += 1
      if (day.slice(0, 7) === found.month) found.inMonth += 1
    },
    counts: () => counts,
  }
}
