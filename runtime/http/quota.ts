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

export function nextDay(now: Date): number {
  return Math.floor(now.getTime() / DAY_MS) * DAY_MS + DAY_MS
}

export function nextMonth(now: Date): number {
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)
}

/** Counts per UTC day and month. A clock that goes back opens no period again. */
export function createQuotas(counts: Map<string, QuotaCount> = new Map()): Quotas {
  let dayNumber = Number.NaN
  let day = ''

  /** `YYYY-MM-DD`; the requests of one day share the text. */
  function dayOf(at: Date): string {
    const number = Math.floor(at.getTime() / DAY_MS)
    if (number !== dayNumber) {
      dayNumber = number
      day = at.toISOString().slice(0, 10)
    }
    return day
  }

  function current(tenant: string, today: string): QuotaCount {
    let count = counts.get(tenant)
    if (count === undefined) {
      count = { day: today, inDay: 0, month: today.slice(0, 7), inMonth: 0 }
      counts.set(tenant, count)
    }
    if (today > count.day) {
      const month = today.slice(0, 7)
      if (month > count.month) count.inMonth = 0
      count.month = month
      count.day = today
      count.inDay = 0
    }
    return count
  }

  return {
    take(tenant, { per_day: perDay, per_month: perMonth }, now) {
      const found = current(tenant, dayOf(now))
      const dayLeft = perDay === undefined ? Number.POSITIVE_INFINITY : perDay - found.inDay
      const monthLeft = perMonth === undefined ? Number.POSITIVE_INFINITY : perMonth - found.inMonth
      const isMonth = monthLeft <= 0 || (dayLeft > 0 && monthLeft < dayLeft)
      const limit = (isMonth ? perMonth : perDay) ?? Number.POSITIVE_INFINITY
      if (dayLeft > 0 && monthLeft > 0) {
        found.inDay += 1
        found.inMonth += 1
        return { isAllowed: true, limit, remaining: Math.min(dayLeft, monthLeft) - 1, retryAfterS: 0 }
      }
      const waitMs = (isMonth ? nextMonth(now) : nextDay(now)) - now.getTime()
      return { isAllowed: false, limit, remaining: 0, retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)) }
    },
    add(tenant, at) {
      const today = dayOf(at)
      const found = current(tenant, today)
      if (today === found.day) found.inDay += 1
      if (today.slice(0, 7) === found.month) found.inMonth += 1
    },
    counts: () => counts,
  }
}
