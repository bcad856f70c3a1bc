import type { Freeze } from '../../schemas/registry/registry.ts'
import { PASS, promotionRule, type AliasGate } from './alias-gate.ts'

const MINUTE_MS = 60_000
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const MINUTES_OF_DAY = 24 * 60
/** No union of weekly windows that ends at all lasts longer than this. */
const HORIZON_MS = 8 * MINUTES_OF_DAY * MINUTE_MS

/** Nothing is promoted inside a freeze window. */
export const freeze: AliasGate = {
  name: 'freeze',
  judge(evidence) {
    const windows = promotionRule(evidence)?.freeze ?? []
    const now = evidence.now.getTime()
    const holding = windows.find((window) => remainingMs(window, now) > 0)
    if (holding === undefined) return PASS
    const ends = holding.resume === 'manual' ? null : thawsAt(windows, now)
    const until = ends === null ? 'until an owner changes the rule' : `until ${new Date(ends).toISOString()}`
    const message = `Promotions are frozen (${holding.days.join(', ')} ${holding.from} to ${holding.to} ${holding.timezone}) ${until}.`
    return { verdict: 'wait', code: 'FROZEN', message, not_before: ends === null ? null : new Date(ends).toISOString() }
  },
}

/** The first instant at which no window holds; null where there is none. Unix milliseconds. */
function thawsAt(windows: readonly Freeze[], now: number): number | null {
  let at = now
  while (at - now < HORIZON_MS) {
    const remaining = Math.max(...windows.map((window) => remainingMs(window, at)))
    if (remaining <= 0) return at
    at += remaining
  }
  return null
}

/** Milliseconds until the window ends by the local clock, 0 where it does not hold. A window past midnight belongs to the day on which it begins. */
function remainingMs({ days, from, to, timezone }: Freeze, at: number): number {
  const { day, minute, intoMinuteMs } = localTime(at, timezone)
  const begins = minuteOf(from)
  const ends = minuteOf(to) > begins ? minuteOf(to) : minuteOf(to) + MINUTES_OF_DAY
  const today = days.includes(DAYS[day]!) && minute >= begins && minute < ends ? ends - minute : 0
  const late = minute + MINUTES_OF_DAY
  const yesterday = days.includes(DAYS[(day + 6) % 7]!) && late >= begins && late < ends ? ends - late : 0
  const remaining = Math.max(today, yesterday)
  return remaining === 0 ? 0 : remaining * MINUTE_MS - intoMinuteMs
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number)
  return hours! * 60 + minutes!
}

function localTime(at: number, timezone: string): { day: number; minute: number; intoMinuteMs: number } {
  const parts = new Map(
    clock(timezone)
      .formatToParts(at)
      .map(({ type, value }) => [type, value]),
  )
  const day = DAYS.findIndex((name) => name === parts.get('weekday')?.toLowerCase())
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
  return { day, minute, intoMinuteMs: ((at % MINUTE_MS) + MINUTE_MS) % MINUTE_MS }
}

function clock(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
}
