import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRedactor } from '../../../runtime/engine/redact.ts'

const KEY = { name: 'api-key', pattern: 'sk_live_[A-Za-z0-9]{16}', replacement: '[key]' }
const CARD = { name: 'card', pattern: '\\b\\d{13,19}\\b', replacement: '[card]' }
const NAME = { name: 'name', pattern: '(?i)joão', replacement: '[name]' }
const redact = compileRedactor({ rules: [KEY, CARD, NAME] })
const secret = 'sk_live_abcdEFGH1234wxyz'

describe('redaction (I)', () => {
  it.each([
    ['the plain secret', secret],
    ['a zero-width space inside', 'sk_live_abcd\u200bEFGH1234wxyz'],
    ['a zero-width joiner inside', 'sk_li\u200dve_abcdEFGH1234wxyz'],
    ['a soft hyphen inside', 'sk_\u00adlive_abcdEFGH1234wxyz'],
    ['a bidi mark inside', 'sk_\u200elive_abcdEFGH1234wxyz'],
    ['full-width letters', 'ｓｋ_live_abcdEFGH１２３４wxyz'],
    ['mathematical letters', 'sk_live_\u{1d41a}bcdEFGH1234wxyz'],
    ['a precomposed accent', 'sk_live_ábcdEFGH1234wxyz'],
    ['a combining accent', 'sk_live_a\u0301bcdEFGH1234wxyz'],
    ['tag characters', 'sk_live_abcd\u{e0041}EFGH1234wxyz'],
    ['a variation selector', 'sk_live_abcd\ufe0fEFGH1234wxyz'],
    ['a Hangul filler', 'sk_live_abcd\u3164EFGH1234wxyz'],
    ['a Braille blank', 'sk_live_abcd\u2800EFGH1234wxyz'],
  ])('finds %s', (_what, text) => {
    expect(redact({ answer: `before ${text} after` })).toEqual({ value: { answer: 'before [key] after' }, redacted: 1 })
  })

  it('matches a rule that is written with accents against text that has them', () => {
    expect(redact('para JOÃO, hoje').value).toBe('para [name], hoje')
  })

  it('looks into every text of a value, and changes nothing else', () => {
    const value = { a: [secret, 1, { b: `x ${secret} ${secret}` }], c: null, d: true }
    expect(redact(value)).toEqual({ value: { a: ['[key]', 1, { b: 'x [key] [key]' }], c: null, d: true }, redacted: 3 })
  })

  it('gives back the same value where nothing matches', () => {
    const value = { answer: 'três a cinco dias úteis', list: ['a'] }
    expect(redact(value).value).toBe(value)
  })

  it('replaces overlapping matches once', () => {
    const both = compileRedactor({
      rules: [
        { name: 'a', pattern: 'abc', replacement: '1' },
        { name: 'b', pattern: 'bcd', replacement: '2' },
      ],
    })
    expect(both('xabcdx')).toEqual({ value: 'x1x', redacted: 1 })
  })

  it('takes the replacement literally', () => {
    expect(compileRedactor({ rules: [{ name: 'a', pattern: '(a)', replacement: '$1$&\\1' }] })('a').value).toBe(
      '$1$&\\1',
    )
  })

  it.each(['(', '(?=a)a', '(a)\\1', 'a*', '', 'x{1001}', '((a{0,100}){0,100})b'])('refuses the rule %j', (pattern) => {
    expect(() => compileRedactor({ rules: [{ name: 'a', pattern, replacement: '' }] })).toThrow(
      expect.objectContaining({ reason: 'POLICY_INVALID' }),
    )
  })

  it('denies what it cannot finish, instead of letting it pass', () => {
    const large = compileRedactor({ rules: [{ name: 'a', pattern: '(?:a|b|cd){1,90}x', replacement: '' }] })
    const started = performance.now()
    expect(() => large('a'.repeat(1_000_000))).toThrow(expect.objectContaining({ reason: 'OUTPUT_INVALID' }))
    expect(performance.now() - started).toBeLessThan(3_000)
  })

  it('takes linear time where usual engines take exponential time', () => {
    const slow = compileRedactor({ rules: [{ name: 'a', pattern: 'Bearer\\s+(\\S+\\s*)+;', replacement: '' }] })
    const started = performance.now()
    slow(`Bearer ${'a '.repeat(5_000)}`)
    expect(performance.now() - started).toBeLessThan(3_000)
  })

  it('leaves nothing of a secret, wherever it stands and whatever is strewn into it', () => {
    const noise = fc.array(fc.constantFrom('', '\u200b', '\u00ad', '\u0301', '\ufeff'), {
      minLength: secret.length,
      maxLength: secret.length,
    })
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), noise, fc.string({ unit: 'grapheme' }), (before, marks, after) => {
        const hidden = Array.from(secret)
          .map((char, index) => char + marks[index]!)
          .join('')
        const { value, redacted } = redact(`${before} ${hidden} ${after}`)
        expect(redacted).toBeGreaterThan(0)
        expect((value as string).normalize('NFKD').replaceAll(/[\p{Cf}\p{Mn}]/gu, '')).not.toContain(secret)
      }),
      { numRuns: 300, seed: 11 },
    )
  })
})
