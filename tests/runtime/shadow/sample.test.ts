import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSampled } from '../../../runtime/shadow/sample.ts'

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)

describe('sampling', () => {
  it('says the same of the same request id, and of 0 and 100 percent what they mean', () => {
    fc.assert(
      fc.property(id, fc.double({ min: 0, max: 100, noNaN: true }), (requestId, percent) => {
        expect(isSampled(requestId, percent)).toBe(isSampled(requestId, percent))
        expect(isSampled(requestId, 0)).toBe(false)
        expect(isSampled(requestId, 100)).toBe(true)
      }),
    )
  })

  it('takes with a larger share everything that it took with a smaller one', () => {
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(id, percent, percent, (requestId, a, b) => {
        expect(Number(isSampled(requestId, Math.min(a, b)))).toBeLessThanOrEqual(
          Number(isSampled(requestId, Math.max(a, b))),
        )
      }),
    )
  })

  it.each([0.5, 10, 50])('takes about %f of 100 ids', (percent) => {
    const taken = Array.from({ length: 20_000 }, (_, at) => isSampled(`r-${at}`, percent)).filter(Boolean).length
    expect(Math.abs(taken / 20_000 - percent / 100)).toBeLessThan(0.01)
  })
})
