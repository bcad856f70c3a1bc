import { describe, expect, it } from 'vitest'
import { durationMs, parseDuration } from '../../schemas/duration.ts'
import { isTimestamp } from '../../schemas/timestamp.ts'
import { faultReason } from '../support/fault-reason.ts'

describe('a duration', () => {
  it.each([
    ['PT0S', 0],
    ['PT1H', 3_600_000],
    ['P30D', 2_592_000_000],
    ['P2W', 1_209_600_000],
    ['P1DT2H3M4S', 93_784_000],
    ['PT0.5S', 500],
    ['PT90M', 5_400_000],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', 'P', 'PT', '1H', 'P1Y', 'P1M', 'PT1', 'P1H', '-PT1H', 'PT1H ', 'pt1h', 'P99999D', 'PT1.5H', 'PT1S1M'])(
    '%j is refused',
    async (text) => {
      expect(durationMs(text)).toBeNull()
      expect(await faultReason(() => parseDuration(text))).toBe('FILE_INVALID')
    },
  )
})

describe('a timestamp', () => {
  it.each(['2026-03-02T09:00:00Z', '2024-02-29T23:59:59.123456+05:30', '2026-03-02t09:00:00z'])('%s is one', (text) => {
    expect(isTimestamp(text)).toBe(true)
  })

  it.each([
    '2026-03-02',
    '2026-03-02 09:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:60Z',
    '2026-01-01T00:00:00',
    '2026-01-01T00:00:00+25:00',
  ])('%s is none', (text) => {
    expect(isTimestamp(text)).toBe(false)
  })
})
