import { Fault } from './fault.ts'

/** ISO 8601 durations of fixed length: weeks, or days, hours, minutes and seconds. Years and months differ in length. */
export const DURATION =
  /^P(?:(\d{1,4})W|(?=\d|T)(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?)$/

const SECOND = 1000
const HOUR = 3600 * SECOND
const UNITS = [7 * 24 * HOUR, 24 * HOUR, HOUR, 60 * SECOND, SECOND]

/** Milliseconds of `PT1H`, `P30D`, `P2W`, `PT0S`. @throws Fault `FILE_INVALID` for any other text. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text)
  if (match === null)
    throw new Fault(
      'FILE_INVALID',
      `expected a duration such as PT1H or P30D, found ${JSON.stringify(text.slice(0, 40))}`,
    )
  return UNITS.reduce((sum, unit, index) => sum + unit * Number(match[index + 1] ?? 0), 0)
}
