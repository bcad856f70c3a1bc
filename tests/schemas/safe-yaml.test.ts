import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { CATALOGUE, HAND_WRITTEN } from '../../schemas/limits.ts'
import { safeYaml } from '../../schemas/safe-yaml.ts'
import { cpuTime } from '../support/cpu-time.ts'

const read = (text: string | Uint8Array, limits = HAND_WRITTEN) => safeYaml(Buffer.from(text), limits)
const value = (text: string) => read(text).document?.value
const firstProblem = (text: string | Uint8Array, limits = HAND_WRITTEN) => read(text, limits).problems[0]

describe('what a registry may write', () => {
  it.each([
    ['a: 1\nb: [x, "y", 2.5, true, null]\n', { a: 1, b: ['x', 'y', 2.5, true, null] }],
    ['# a comment\n---\na: b\n...\n', { a: 'b' }],
    ['a:\n- b: c\n  d: |\n    e\n    f\n', { a: [{ b: 'c', d: 'e\nf\n' }] }],
    ['a: yes\nb: 2001-12-14\nc: 1:30\nd: 12e03x\n', { a: 'yes', b: '2001-12-14', c: '1:30', d: '12e03x' }],
    ['1: a\ntrue: b\n', { 1: 'a', true: 'b' }],
    ['a: "\\n\\t\\u00e9"\n', { a: '\n\té' }],
    ['a: \u{1f468}\u200d\u{1f469}\n', { a: '\u{1f468}\u200d\u{1f469}' }],
    ['<<: not merged\n', { '<<': 'not merged' }],
    ['hasOwnProperty: x\ntoString: y\n', { hasOwnProperty: 'x', toString: 'y' }],
  ])('reads %j', (text, expected) => {
    expect(value(text)).toEqual(expected)
  })

  it('knows the place of every key and value, also where JavaScript puts keys in another order', () => {
    const { document } = read('b: x\n2:\n  - one\n  - two: three\n1: y\n')
    expect(document?.at(['2', 1, 'two'])).toEqual({ line: 4, column: 10 })
    expect(document?.at(['2', 1, 'two'], 'key')).toEqual({ line: 4, column: 5 })
    expect(document?.at(['1'])).toEqual({ line: 5, column: 4 })
    expect(document?.at(['b'], 'key')).toEqual({ line: 1, column: 1 })
  })

  it('gives the nearest place for a pointer that leads nowhere', () => {
    const { document } = read('a:\n  b: [1, 2]\n')
    expect(document?.at(['a', 'b', 7])).toEqual({ line: 2, column: 6 })
    expect(document?.at(['a', 'c', 'd'])).toEqual({ line: 2, column: 3 })
    expect(document?.at([])).toEqual({ line: 1, column: 1 })
  })

  it('reads whatever JSON can say, as JSON does', () => {
    const string = fc.string({ unit: 'grapheme-ascii', maxLength: 20 })
    const leaf = fc.oneof(string, fc.integer(), fc.boolean(), fc.constant(null))
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('tree'), { maxLength: 5 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(tree, (given) => {
        expect(value(JSON.stringify(given))).toEqual(given)
        expect(value(stringify(given))).toEqual(given)
      }),
      { numRuns: 200 },
    )
  })
})

const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,10}$/).filter((name) => name !== 'constructor' && name !== 'prototype')

describe('what a registry may not write', () => {
  it.each([
    ['an anchor', 'a: &x 1\n', 1, 4],
    ['an alias', 'a: 1\nb: *x\n', 2, 4],
    ['a circle', 'a: &x [*x]\n', 1, 4],
    ['a tag', 'a: !!binary aGk=\n', 1, 4],
    ['a tag of its own', '!js/function x\n', 1, 1],
    ['a directive', '%YAML 1.1\n---\na: no\n', 1, 1],
    ['an explicit key', '? a\n: b\n', 1, 1],
    ['a list as a key', '[a, b]: 1\n', 1, 1],
    ['a mapping as a key', '{a: b}: 1\n', 1, 1],
    ['a key twice', 'a: 1\nb: 2\na: 3\n', 3, 1],
    ['a number and its text as keys', '1: a\n"1": b\n', 2, 1],
    ['a key twice in flow style', 'a: {b: 1, b: 2}\n', 1, 11],
    ['__proto__', 'a:\n  __proto__: {b: 1}\n', 2, 3],
    ['__proto__ by an escape', '"\\u005f_proto__": 1\n', 1, 1],
    ['constructor', 'constructor: {prototype: {}}\n', 1, 1],
    ['two documents', 'a: 1\n---\nb: 2\n', 2, 1],
    ['a document after its end', 'a: 1\n...\nb: 2\n', 3, 1],
    ['nothing', '', 1, 1],
    ['a comment alone', '# nothing\n', 1, 1],
    ['a tab', 'a:\tb\n', 1, 3],
    ['a carriage return', 'a: b\r\nc: d\r\n', 1, 5],
    ['a byte order mark', '\ufeffa: b\n', 1, 1],
    ['a byte order mark inside', 'a: b\ufeff\n', 1, 5],
    ['NUL', 'a: b\0\n', 1, 5],
    ['NUL by an escape', 'a: "\\0"\n', 1, 4],
    ['a C1 control', 'a: b\u0085\n', 1, 5],
    ['a line separator', 'a: b\u2028\n', 1, 5],
    ['a bidirectional control', 'a: b\u202e\n', 1, 5],
    ['a bidirectional control by an escape', 'a: "\\u2066"\n', 1, 4],
    ['a non-character', 'a: \uffff\n', 1, 4],
    ['half a surrogate pair by an escape', 'a: "\\ud800"\n', 1, 4],
    ['infinity', 'a: .inf\n', 1, 4],
    ['not a number', 'a: .nan\n', 1, 4],
    ['a number beyond doubles', 'a: 1e999\n', 1, 4],
    ['an integer that would be rounded', 'a: 99999999999999999999\n', 1, 4],
    ['negative zero', 'a: -0\n', 1, 4],
    ['an octal number', 'a: 0o17\n', 1, 4],
    ['a number with a leading zero', 'a: 0800\n', 1, 4],
    ['a hexadecimal number', 'a: 0xFF\n', 1, 4],
    ['an open quote', 'a: "b\n', 2, 1],
    ['an open bracket', 'a: [b\n', 2, 1],
    ['a colon in plain text', 'a: b: c\n', 1, 4],
    ['a wrong indent', 'a:\n  b: 1\n c: 2\n', 3, 1],
    ['a reserved character', 'a: @b\n', 1, 4],
    ['an unknown escape', 'a: "\\q"\n', 1, 5],
  ])('%s is refused at its place', (_what, text, line, column) => {
    expect(read(text).document).toBeNull()
    expect(firstProblem(text)).toMatchObject({ code: 'YAML_INVALID', line, column })
    expect(firstProblem(text)?.hint).not.toBe('')
  })

  it.each([
    ['bytes that are not UTF-8', [0x61, 0x3a, 0x20, 0xff]],
    ['an overlong form', [0x61, 0x3a, 0x20, 0xc0, 0xaf]],
    ['an encoded surrogate', [0x61, 0x3a, 0x20, 0xed, 0xa0, 0x80]],
    ['UTF-16', [0xff, 0xfe, 0x61, 0x00]],
  ])('%s are refused', (_what, bytes) => {
    expect(firstProblem(Uint8Array.from(bytes))).toMatchObject({ code: 'YAML_INVALID', malformed: true })
  })

  it('reports several mistakes at once, in the order of the file', () => {
    const { problems } = read('a: 017\nb: 1\nb: 2\nc: .nan\n')
    expect(problems.map(({ line }) => line)).toEqual([1, 3, 4])
  })
})

describe('limits', () => {
  const { bytes, lines, lineLength, depth, nodes, keys } = HAND_WRITTEN
  it.each([
    ['bytes', 'FILE_TOO_LARGE', `a: ${'x'.repeat(bytes)}`],
    ['lines', 'YAML_INVALID', '# x\n'.repeat(lines + 1)],
    ['the length of a line', 'YAML_INVALID', `a: ${'x'.repeat(lineLength)}`],
    ['depth in flow style', 'YAML_INVALID', '['.repeat(depth + 1)],
    ['depth on one line', 'YAML_INVALID', `${'- '.repeat(depth + 1)}x`],
    [
      'depth over many lines',
      'YAML_INVALID',
      Array.from({ length: depth + 2 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    ],
    ['values', 'YAML_INVALID', Array.from({ length: 40 }, () => `- [${'x, '.repeat(nodes / 40 + 1)}]\n`).join('')],
    ['keys', 'YAML_INVALID', Array.from({ length: keys + 1 }, (_, i) => `k${i}: 1\n`).join('')],
    ['keys in flow style', 'YAML_INVALID', `{${Array.from({ length: keys + 1 }, (_, i) => `k${i}: 1`).join(', ')}}`],
  ])('on %s are held', (_what, code, text) => {
    expect(firstProblem(text)).toMatchObject({ code })
  })

  it('let as much depth pass as they say', () => {
    expect(read(`${'['.repeat(depth)}${']'.repeat(depth)}`).document).not.toBeNull()
    expect(read(`${'- '.repeat(depth)}x`).document).not.toBeNull()
  })

  it('let an ontology of 15,000 utterances pass in time', () => {
    const intents = Array.from({ length: 150 }, (_, intent) => {
      const utterances = Array.from(
        { length: 100 },
        (__, n) => `      - when will my card number ${intent * 100 + n} arrive at last`,
      )
      return `  - name: intent_${intent}\n    title: Intent\n    utterances:\n${utterances.join('\n')}\n`
    })
    const spent = cpuTime()
    expect(read(`intents:\n${intents.join('')}`, CATALOGUE).document?.nodes).toBe(15_602)
    expect(spent()).toBeLessThan(3_000)
  })
})

describe('hostile files', () => {
  const repeat = (unit: string, limits = CATALOGUE) =>
    unit.repeat(
      Math.floor(Math.min(limits.bytes / unit.length, limits.lines / Math.max(1, unit.split('\n').length - 1))) - 2,
    )
  it.each([
    ['explicit keys in each other', `${'? '.repeat(500)}x`],
    ['billion laughs', 'a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n'],
    ['40,000 keys', Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['20,000 brackets', '['.repeat(16_000)],
    ['mappings in each other', '{a: '.repeat(4_000)],
    ['colons', `a${': '.repeat(8_000)}`],
    ['commas', `a: [${','.repeat(16_000)}]`],
    ['backslashes', `a: "${'\\'.repeat(16_000)}`],
    ['open brackets on every line', repeat('a: [\n')],
    ['closing brackets on every line', repeat(']\n')],
    ['open quotes of both kinds', repeat('- "x\n- \'y\n')],
    ['reserved characters', repeat('- @\n')],
    ['document starts', repeat('---\n')],
    ['stairs', repeat('    b:\n   c:\n')],
    ['a forest of dashes', repeat(`${'- '.repeat(16)}x\n`)],
  ])('%s are refused in under 2 s', (_what, text) => {
    const spent = cpuTime()
    expect(read(text, CATALOGUE).document).toBeNull()
    expect(spent()).toBeLessThan(2_000)
  })

  it.each([
    ['comments', `a: 1\n${repeat('#\n')}`],
    ['empty lines', `a: 1\n${repeat('\n')}`],
    ['empty lines in a folded text', `a: >\n${repeat('\n')}`],
    ['one long text', `a: b\n${repeat('  c\n')}`],
    ['block texts', repeat('- |+\n\n')],
  ])('%s take no longer than honest ones', (_what, text) => {
    const spent = cpuTime()
    expect(read(text, CATALOGUE).document).not.toBeNull()
    expect(spent()).toBeLessThan(2_000)
  })

  it('never make the reader throw', () => {
    const pieces = [
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      ',',
      '|',
      '>',
      '#',
      '&a',
      '*a',
      '!',
      '%',
      '@',
      '?',
      '---',
      '...',
      '\\',
      '1',
      '~',
      'é',
      '\u{1f600}',
      '\0',
      '\t',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (parts) => {
        const { document, problems } = read(parts.join(''))
        expect(document === null).toBe(problems.length > 0)
      }),
      { numRuns: 3_000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { document, problems } = read(bytes)
        expect(document === null).toBe(problems.length > 0)
      }),
      { numRuns: 500 },
    )
  })
})
