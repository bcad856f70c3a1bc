import { describe, expect, it } from 'vitest'
import { freshness, hear, staleness } from '../../../runtime/trust/freshness.ts'

const HOUR = 3_600_000
const signedAt = new Date('2026-01-01T00:00:00Z')
const expiresAt = new Date('2026-01-01T00:03:00Z')
const heard = hear({ signedAt, expiresAt }, new Date('2026-01-01T00:00:10Z'), 5_000)

describe('a heartbeat', () => {
  it.each([
    [0, 10_000, 'ready'],
    [169_999, 179_999, 'ready'],
    [170_000, 180_000, 'degraded'],
    [HOUR - 10_000, HOUR, 'degraded'],
    [HOUR - 9_999, HOUR + 1, 'expired'],
  ] as const)('%i ms after it was heard is %i ms old, and leaves us %s', (passed, age, expected) => {
    expect(staleness(heard, 5_000 + passed)).toBe(age)
    expect(freshness(heard, 5_000 + passed, HOUR)).toBe(expected)
  })

  it('from a clock that is ahead of ours is not younger than new', () => {
    const ahead = hear({ signedAt, expiresAt }, new Date('2025-12-31T23:00:00Z'), 0)
    expect(staleness(ahead, 0)).toBe(0)
  })

  it('that was never heard leaves us expired', () => {
    expect(freshness(null, 0, HOUR)).toBe('expired')
  })
})

describe('a lease', () => {
  it('vouches for all of its time, and grows old from then on', () => {
    const lease = hear({ signedAt: null, expiresAt: new Date('2026-01-03T00:00:00Z') }, signedAt, 0)
    expect(staleness(lease, 47 * HOUR)).toBe(0)
    expect(freshness(lease, 47 * HOUR, HOUR)).toBe('ready')
    expect(staleness(lease, 49 * HOUR)).toBe(HOUR)
    expect(freshness(lease, 49 * HOUR, HOUR)).toBe('degraded')
    expect(freshness(lease, 49 * HOUR + 1, HOUR)).toBe('expired')
  })
})
