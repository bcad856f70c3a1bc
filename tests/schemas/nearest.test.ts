import { expect, it } from 'vitest'
import { nearest } from '../../schemas/nearest.ts'

it.each([
  ['bundel', 'bundle'],
  ['Version', 'version'],
  ['digset', 'digest'],
  ['versions', 'version'],
  ['colour', null],
  ['x', null],
  ['b'.repeat(100), null],
])('means by %j %j', (word, meant) => {
  expect(nearest(word, ['bundle', 'version', 'digest'])).toBe(meant)
})
