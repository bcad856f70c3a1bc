import { createHash } from 'node:crypto'
import type { TenantState } from '../../schemas/ledger/state.ts'
import type { LimitVerdict, Subject } from './limiter.ts'

export type Quota = TenantState['quota']

/** Requests of a tenant in the UTC day and month that it asked in last, and of its keys and users in the same. */
export type QuotaCount = {
  day: string
  inDay: number
  month: string
  inMonth: number
  ofDay: Map<string, number>
  ofMonth: Map<string, number>
}

export type Quotas = {
  /** Whether the day and month of tenant, key and user allow one request more. Counts nothing. */
  look(subject: Subject, quota: Quota, now: Date): LimitVerdict
  /** Counts one request that was let through. */
  count(subject: Subject, quota: Quota, now: Date): void
  /** Counts a request of the past, as it is found in the audit log, which does not say whose name the user had. */
  add(tenant: string, keyId: string | null, at: Date): void
  counts(): ReadonlyMap<string, QuotaCount>
}

/** So many users of a tenant have a counter of their own in a day or month; later ones share `USER_CELLS`. */
export const OWN_COUNTERS = 10_000
export const USER_CELLS = 1_024

const DAY_MS = 86_400_000

export function nextDay(now: Date): number {
  return Math.floor(now.getTime() / DAY_MS) * DAY_MS + DAY_MS
}

export function nextMonth(now: Date): number {
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)
}

/** What a user is counted under, so that no store keeps names: by itself, and once there are too many, with others. */
export function userCounters(whose: string, user: string): { own: string; shared: string } {
  const digest = createHash('sha256').update(`${whose} ${user}`).digest('hex')
  return { own: `user:${digest}`, shared: `user:~${Number.parseInt(digest.slice(0, 8), 16) % USER_CELLS}` }
}

/** Whether users are counted over days or months at all. */
export function countsUsers(quota: Quota): boolean {
  return quota.per_user_per_day !== undefined || quota.per_user_per_month !== undefined
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
      count = {
        day: today,
        inDay: 0,
        month: today.slice(0, 7),
        inMonth: 0,
        ofDay: new Map<string, number>(),
        ofMonth: new Map<string, number>(),
      }
      counts.set(tenant, count)
    }
    if (today > count.day) {
      const month = today.slice(0, 7)
      if (month > count.month) {
        count.inMonth = 0
        count.ofMonth.clear()
      }
      count.month = month
      count.day = today
      count.inDay = 0
      count.ofDay.clear()
    }
    return count
  }

  /** The counter of a user in a period: nobody's is given to another, however many come. */
  function userIn(period: ReadonlyMap<string, number>, { tenant, user }: Subject): string | null {
    if (user === null) return null
    const { own, shared } = userCounters(tenant, user)
    return period.has(own) || period.size < OWN_COUNTERS ? own : shared
  }

  return {
    look(subject, quota, now) {
      const found = current(subject.tenant, dayOf(now))
      const key = `key:${subject.keyId}`
      let closest: LimitVerdict = { isAllowed: true, limit: Infinity, remaining: Infinity, retryAfterS: 0 }
      const of = (period: ReadonlyMap<string, number>, name: string | null) =>
        name === null ? 0 : (period.get(name) ?? 0)
      const userOf = (period: ReadonlyMap<string, number>, limit: number | undefined) =>
        limit === undefined || subject.user === null ? undefined : limit - of(period, userIn(period, subject))
      const less = (limit: number | undefined, used: number) => (limit === undefined ? undefined : limit - used)
      for (const [limit, left, ends] of [
        [quota.per_month, less(quota.per_month, found.inMonth), nextMonth],
        [quota.per_key_per_month, less(quota.per_key_per_month, of(found.ofMonth, key)), nextMonth],
        [quota.per_user_per_month, userOf(found.ofMonth, quota.per_user_per_month), nextMonth],
        [quota.per_day, less(quota.per_day, found.inDay), nextDay],
        [quota.per_key_per_day, less(quota.per_key_per_day, of(found.ofDay, key)), nextDay],
        [quota.per_user_per_day, userOf(found.ofDay, quota.per_user_per_day), nextDay],
      ] as const) {
        if (limit === undefined || left === undefined) continue
        if (left <= 0) {
          const waitMs = ends(now) - now.getTime()
          return { isAllowed: false, limit, remaining: 0, retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)) }
        }
        if (left - 1 < closest.remaining) closest = { isAllowed: true, limit, remaining: left - 1, retryAfterS: 0 }
      }
      return closest
    },
    count(subject, quota, now) {
      const found = current(subject.tenant, dayOf(now))
      found.inDay += 1
      found.inMonth += 1
      for (const [period, userLimit] of [
        [found.ofDay, quota.per_user_per_day],
        [found.ofMonth, quota.per_user_per_month],
      ] as const) {
        const user = userLimit === undefined ? null : userIn(period, subject)
        raise(period, `key:${subject.keyId}`)
        if (user !== null) raise(period, user)
      }
    },
    add(tenant, keyId, at) {
      const today = dayOf(at)
      const found = current(tenant, today)
      if (today === found.day) {
        found.inDay += 1
        if (keyId !== null) raise(found.ofDay, `key:${keyId}`)
      }
      if (today.slice(0, 7) === found.month) {
        found.inMonth += 1
        if (keyId !== null) raise(found.ofMonth, `key:${keyId}`)
      }
    },
    counts: () => counts,
  }
}

function raise(period: Map<string, number>, name: string): void {
  period.set(name, (period.get(name) ?? 0) + 1)
}
