import { Fault } from './fault.ts'

const DURATION =
  /^P(?=\d|T\d)(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(\.\d{1,3})?S)?)?$/
const TEN_YEARS_MS = 3_660 * 86_400_000

/**
 * An ISO 8601 duration such as `PT1H`, `P30D` or `PT0.5S`, in milliseconds. Years and months are refused, because they
 * have no fixed length, and so is more than ten years.
 * @throws Fault `FILE_INVALID`
 */
export function parseDuration(text: string): number {
  const ms = durationMs(text)
  if (ms !== null) return ms
  throw new Fault('FILE_INVALID', `expected an ISO 8601 duration such as PT1H or P30D, found ${JSON.stringify(text)}`)
}

/** The same, or null where `text` is not such a duration. */
export function durationMs(text: string): number | null {
  const match = DURATION.exec(text)
  if (match === null) return null
  const [weeks, days, hours, minutes, seconds] = match.slice(1, 6).map((part) => Number(part ?? 0))
  const whole = [weeks, days, hours, minutes, seconds].map((part) => part ?? 0)
  const units = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000]
  const ms = whole.reduce((sum, part, index) => sum + part * (units[index] ?? 0), 0)
  const total = ms + Math.round(Number(`0${match[6] ?? ''}`) * 1000)
  return total <= TEN_YEARS_MS ? total : null
}
