import { describe, expect, it } from 'vitest'
import { createSpelling, isOneEditAway } from '../../../../runtime/engine/routing/spelling.ts'

const correct = createSpelling([
  { word: 'account', texts: 9 },
  { word: 'accounts', texts: 2 },
  { word: 'card', texts: 5 },
  { word: 'cart', texts: 5 },
  { word: 'cord', texts: 7 },
  { word: 'it', texts: 50 },
  { word: 'カード', texts: 5 },
  { word: 'mp3s', texts: 5 },
])

describe('spelling', () => {
  it.each([
    ['acount', 'account'],
    ['accountt', 'account'],
    ['acconut', 'account'],
    ['accohnt', 'account'],
    ['carx', 'card'],
    ['corx', 'cord'],
    ['xard', 'card'],
    ['carx'.toUpperCase(), null],
    ['account', null],
    ['acct', null],
    ['itt', null],
    ['mp4s', null],
    ['カーヒ', null],
    ['', null],
  ])('reads "%s" as %j', (word, expected) => {
    expect(correct(word)).toBe(expected)
  })

  it.each([
    ['card', 'card', false],
    ['card', 'cards', true],
    ['card', 'crad', true],
    ['card', 'cadr', true],
    ['card', 'bard', true],
    ['card', 'drac', false],
    ['card', 'cardss', false],
    ['abcd', 'badc', false],
    ['', 'a', true],
  ])('holds "%s" and "%s" to be one edit apart: %j', (a, b, expected) => {
    expect(isOneEditAway(a, b)).toBe(expected)
    expect(isOneEditAway(b, a)).toBe(expected)
  })
})
