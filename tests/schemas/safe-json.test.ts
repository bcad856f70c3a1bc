import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CASES, HAND_WRITTEN } from '../../schemas/limits.ts'
import { safeJson } from '../../schemas/safe-json.ts'
import { cpuTime } from '../support/cpu-time.ts'

const read = (text: string | Uint8Array, limits = HAND_WRITTEN) => safeJson(Buffer.from(text), limits)

describe('safeJson', () => {
  it('reads what JSON.parse reads, equally', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (given) => {
        const text = JSON.stringify(given, null, 1)
        const { document } = read(text)
        if (document === null) expect(text).toMatch(/\\u|__proto__|constructor|prototype|-0|\d{16}|e\+/)
        else expect(document.value).toEqual(JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['nothing', '', 1, 1],
    ['white space', ' \n ', 1, 1],
    ['a comma too many', '[1,\n]', 2, 1],
    ['a comma too few', '[1 2]', 1, 4],
    ['a colon too few', '{"a" 1}', 1, 6],
    ['an open object', '{"a": 1', 1, 8],
    ['an open array', '[', 1, 2],
    ['an open string', '["a', 1, 2],
    ['a line feed in a string', '["a\nb"]', 1, 2],
    ['an unknown escape', '["\\x"]', 1, 2],
    ['a short escape', '["\\u12"]', 1, 2],
    ['single quotes', "{'a': 1}", 1, 2],
    ['a bare key', '{a: 1}', 1, 2],
    ['a comment', '// x\n1', 1, 1],
    ['NaN', '[NaN]', 1, 2],
    ['a half word', '[tru]', 1, 2],
    ['a leading zero', '[01]', 1, 3],
    ['a plus', '[+1]', 1, 2],
    ['a bare dot', '[.5]', 1, 2],
    ['two documents', '1\n2', 2, 1],
    ['a key twice', '{"a": 1,\n "a": 2}', 2, 2],
    ['a key twice by an escape', '{"a": 1, "\\u0061": 2}', 1, 10],
    ['__proto__', '{"__proto__": 1}', 1, 2],
    ['__proto__ by an escape', '{"\\u005f_proto__": 1}', 1, 2],
    ['a number beyond doubles', '[1e999]', 1, 2],
    ['an integer that would be rounded', '[9007199254740993]', 1, 2],
    ['negative zero', '[-0]', 1, 2],
    ['half a surrogate pair', '["\\ud83d"]', 1, 2],
    ['NUL by an escape', '["\\u0000"]', 1, 2],
    ['a bidirectional control', '["\u202e"]', 1, 3],
    ['a byte order mark', '\ufeff1', 1, 1],
    ['a carriage return', '{\r\n}', 1, 2],
    ['depth', '['.repeat(100), 1, 34],
  ])('refuses %s at its place', (_what, text, line, column) => {
    const { document, problems } = read(text)
    expect(document).toBeNull()
    expect(problems[0]).toMatchObject({ code: 'JSON_INVALID', line, column })
    expect(problems[0]?.hint).not.toBe('')
  })

  it('holds its limits on values and keys', () => {
    expect(read(`[${'1,'.repeat(HAND_WRITTEN.nodes)}1]`).problems[0]).toMatchObject({ code: 'JSON_INVALID' })
    const keys = Array.from({ length: HAND_WRITTEN.keys + 1 }, (_, i) => `"k${i}":1`)
    expect(read(`{${keys.join()}}`).problems[0]).toMatchObject({ code: 'JSON_INVALID' })
    expect(read(' '.repeat(HAND_WRITTEN.bytes + 1)).problems[0]).toMatchObject({ code: 'FILE_TOO_LARGE' })
  })

  it('knows the place of every part', () => {
    const { document } = read('{\n  "2": [1, {"b": 3}],\n  "1": 4\n}')
    expect(document?.at(['2', 1, 'b'])).toEqual({ line: 2, column: 18 })
    expect(document?.at(['2', '1', 'b'], 'key')).toEqual({ line: 2, column: 13 })
    expect(document?.at(['1'])).toEqual({ line: 3, column: 8 })
  })

  it('takes in a message what people may type, but nothing that is not text', () => {
    const message = (text: string) => safeJson(Buffer.from(text), HAND_WRITTEN, 'message').document?.value
    expect(message('["\u202e \\u0000 \\t"]\r\n')).toEqual(['\u202e \0 \t'])
    expect(message('["\\ud800"]')).toBeUndefined()
    expect(message('{"__proto__": 1}')).toBeUndefined()
    expect(safeJson(Uint8Array.from([0x22, 0xff, 0x22]), HAND_WRITTEN, 'message').document).toBeNull()
  })

  it('reads a suite of 12,000 cases on one line in time', () => {
    const cases = Array.from({ length: 12_000 }, (_, i) => ({
      name: `c${i}`,
      input: { question: `when ${i}` },
      expect: { intent: 'card' },
    }))
    const bytes = Buffer.from(JSON.stringify({ suite: 's', kind: 'routing', cases }))
    const spent = cpuTime()
    const { document } = safeJson(bytes, CASES)
    expect(document?.at(['cases', 11_999, 'expect', 'intent']).line).toBe(1)
    expect(spent()).toBeLessThan(1_000)
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const { document, problems } = read(bytes)
        expect(document === null).toBe(problems.length > 0)
      }),
    )
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      'a',
      '1',
      '-',
      '.',
      'e',
      ' ',
      '\n',
      'true',
      'null',
      '\u{1f600}',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => {
        const text = parts.join('')
        if (read(text).document !== null) expect(() => JSON.parse(text) as unknown).not.toThrow()
      }),
      { numRuns: 2_000 },
    )
  })
})
