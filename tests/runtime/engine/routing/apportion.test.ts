import { array, assert, double, integer, property } from 'fast-check'
import { expect, it } from 'vitest'
import { apportion } from '../../../../runtime/engine/routing/apportion.ts'

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

it.each([
  { parts: [30, 20, 50], total: 100, whole: [30, 20, 50] },
  { parts: [1 / 3, 1 / 3, 1 / 3], total: 1, whole: [0, 1, 0] },
  { parts: [80, 60, -20], total: 100, whole: [69, 51, -20] },
  { parts: [10, -40], total: 0, whole: [10, -10] },
  { parts: [1, 3], total: 8, whole: [2, 6] },
  { parts: [-3, -5], total: 4, whole: [2, 2] },
  { parts: [], total: 0, whole: [] },
])('makes $parts into whole numbers that add up to $total', ({ parts, total, whole }) => {
  expect(apportion(parts, total)).toEqual(whole)
})

it('always adds up', () => {
  const part = double({ min: -1e6, max: 1e6, noNaN: true })
  assert(
    property(array(part, { minLength: 1, maxLength: 30 }), integer({ min: 0, max: 65_536 }), (parts, total) => {
      const whole = apportion(parts, total)
      expect(whole.every(Number.isInteger)).toBe(true)
      expect(sum(whole)).toBe(total)
    }),
    { seed: 1 },
  )
})
