import { describe, expect, it } from 'vitest'
import { race, wakeAfterTakeover } from './race.ts'

describe('two controllers in two processes', () => {
  it(
    'lose no promotion and make none twice, also where one stops and wakes up later',
    { timeout: 120_000 },
    async () => {
      const { violations, wrote } = await race({ promotions: 32, stops: 2 })
      expect(violations).toEqual([])
      expect(wrote[0] + wrote[1]).toBeGreaterThan(0)
    },
  )

  it('never both write: one that wakes up in a new epoch writes nothing', { timeout: 60_000 }, async () => {
    expect(await wakeAfterTakeover()).toEqual([])
  })
})
