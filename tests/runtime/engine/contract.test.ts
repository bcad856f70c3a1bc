import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkEntitySchema, compileContract, compileContracts } from '../../../runtime/engine/contract.ts'
import { bestMs } from '../../support/best-time.ts'

const text = { type: 'string', maxLength: 200 }
const object = (properties: Record<string, object>, rest: object = {}) => ({ type: 'object', properties, ...rest })
const findingsOf = (schema: object) =>
  checkEntitySchema(schema, 'entities/a.schema.yaml', () => ({ line: 1, column: 1 }))

function nested(levels: number): object {
  return levels === 0 ? text : object({ a: nested(levels - 1) })
}

/** Each level offers the level below twice: 2^n branches from n lines. */
function doubling(levels: number, keyword: string): object {
  const defs = Array.from({ length: levels }, (_, level) => {
    const below = level === 0 ? { type: 'string' } : { $ref: `#/$defs/d${level - 1}` }
    return [`d${level}`, { [keyword]: [below, below] }]
  })
  return { $defs: Object.fromEntries(defs) as object, $ref: `#/$defs/d${levels - 1}` }
}

const HOSTILE: [string, object][] = [
  ['loads a schema', { $ref: 'http://169.254.169.254/latest' }],
  ['loads a file', { $ref: 'file:///etc/passwd' }],
  ['refers to another entity', { $ref: 'answer.schema.yaml' }],
  ['refers to a place that is no definition', object({ a: text, b: { $ref: '#/properties/a' } })],
  ['refers to what does not exist', { $ref: '#/$defs/nothing' }],
  ['refers to itself', { $ref: '#' }],
  ['refers to itself by name', { $defs: { a: object({ b: { $ref: '#/$defs/a' } }) }, $ref: '#/$defs/a' }],
  ['refers in a circle', { $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }],
  ['hides a circle in a definition that nothing uses', { $defs: { a: { $ref: '#/$defs/a' } }, type: 'object' }],
  ['refers dynamically', { $dynamicRef: '#x' }],
  ['names an anchor', { $anchor: 'x', type: 'object' }],
  ['names itself', { $id: 'http://x/y', type: 'object' }],
  ['doubles anyOf', doubling(22, 'anyOf')],
  ['doubles oneOf', doubling(22, 'oneOf')],
  ['doubles allOf', doubling(22, 'allOf')],
  [
    'doubles properties',
    {
      $defs: Object.fromEntries(
        Array.from({ length: 22 }, (_, i) => [
          `d${i}`,
          i === 0 ? text : object({ a: { $ref: `#/$defs/d${i - 1}` }, b: { $ref: `#/$defs/d${i - 1}` } }),
        ]),
      ),
      $ref: '#/$defs/d21',
    },
  ],
  ['is 3,000 levels deep', nested(3_000)],
  ['is 20 levels deep', nested(20)],
  ['has 5,000 properties', object(Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`p${i}`, text])))],
  ['has 3,000 prefix items', { type: 'array', prefixItems: Array.from({ length: 3_000 }, () => text) }],
  ['has 100 KB of description', { type: 'object', description: 'x'.repeat(100_000) }],
  ['matches with a pattern of exponential time and no bound', object({ a: { type: 'string', pattern: '^(a+)+$' } })],
  ['matches names with a pattern', { type: 'object', patternProperties: { '^(a+)+$': text } }],
  ['matches with look-ahead', object({ a: { type: 'string', maxLength: 10, pattern: '(?=a)a' } })],
  ['matches with a back-reference', object({ a: { type: 'string', maxLength: 10, pattern: '(a)\\1' } })],
  ['matches with a huge pattern', object({ a: { type: 'string', maxLength: 10, pattern: '((a{0,100}){0,100})' } })],
  [
    'matches a large pattern with a long text',
    object({ a: { type: 'string', maxLength: 65_536, pattern: '(?:abcdefghij){80}' } }),
  ],
  ['matches with no pattern at all', object({ a: { type: 'string', maxLength: 10, pattern: '(' } })],
  ['compares unbounded items', object({ a: { type: 'array', items: text, uniqueItems: true } })],
  ['compares too many items', object({ a: { type: 'array', items: text, uniqueItems: true, maxItems: 100_000 } })],
  ['nests contains', { type: 'array', contains: { type: 'array', contains: text } }],
  ['lets the data choose the pattern', object({ a: { type: 'string', pattern: { $data: '1/b' } } })],
  ['misspells a keyword', object({ a: { type: 'string', minLenght: 3 } })],
  ['names an unknown dialect', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }],
  ['names an unknown format', object({ a: { type: 'string', format: 'card-number' } })],
  ['uses a fraction in multipleOf', object({ a: { type: 'number', multipleOf: 0.1 } })],
  ['uses an infinite bound', object({ a: { type: 'number', maximum: Infinity } })],
  ['requires what it does not define', object({ a: text }, { required: ['b'] })],
  ['leaves the type out', { properties: { a: text } }],
  ['names an unknown type', { type: 'date' }],
  ['defines __proto__', object(JSON.parse('{"__proto__":{"type":"string"}}') as Record<string, object>)],
  ['defines constructor', object({ constructor: text })],
  ['has definitions below the root', object({ a: { $defs: {}, type: 'string' } })],
  ['writes a text where a number belongs', object({ a: { type: 'string', maxLength: '3' as unknown as number } })],
  ['writes a schema where a list belongs', { anyOf: {} }],
  ['has an unevaluated part', { type: 'object', unevaluatedProperties: false }],
  ['has content of another kind', object({ a: { type: 'string', contentMediaType: 'text/html' } })],
  ['has true as a property', { type: 'object', properties: { a: true } }],
]

describe('an entity schema', () => {
  it.each(HOSTILE)('is refused when it %s', (_what, schema) => {
    const started = performance.now()
    const findings = findingsOf(schema)
    expect(findings.length).toBeGreaterThan(0)
    expect(findings[0]).toMatchObject({ gate: 'entities', code: 'ENTITY_INVALID', severity: 'error' })
    expect(() => compileContract(schema)).toThrow(expect.objectContaining({ reason: 'ENTITY_INVALID' }))
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it.each<[string, object]>([
    ['a plain object', object({ question: text }, { required: ['question'], additionalProperties: false })],
    [
      'every allowed kind of keyword',
      {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title: 't',
        description: 'd',
        $comment: 'c',
        $defs: { phone: { type: 'string', maxLength: 20, pattern: '^[0-9 ]+$' } },
        type: 'object',
        minProperties: 1,
        maxProperties: 9,
        propertyNames: { maxLength: 30 },
        additionalProperties: false,
        required: ['a'],
        dependentRequired: { a: ['b'] },
        properties: {
          a: { enum: ['x', 'y'] },
          b: { const: 3 },
          c: { $ref: '#/$defs/phone' },
          d: { type: 'array', items: { type: 'integer', minimum: 0, multipleOf: 5 }, uniqueItems: true, maxItems: 10 },
          e: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] },
          f: { type: ['string', 'null'], maxLength: 3, default: null, examples: ['x'] },
          g: { type: 'array', prefixItems: [text], items: false, minItems: 1 },
        },
        if: { properties: { a: { const: 'x' } } },
        else: { required: ['b'], properties: { b: { const: 3 } } },
      },
    ],
  ])('of %s is taken', (_what, schema) => {
    const findings = findingsOf(schema)
    expect(findings).toEqual([])
  })

  it('has its findings at the place of the keyword', () => {
    const places: (string | number)[][] = []
    checkEntitySchema(object({ a: { type: 'string', nope: 1 } }), 'a.yaml', (pointer) => {
      places.push(pointer)
      return { line: 7, column: 3 }
    })
    expect(places).toEqual([['properties', 'a', 'nope']])
  })
})

describe('a contract', () => {
  const contract = compileContract(
    object(
      {
        question: { type: 'string', minLength: 1, maxLength: 50 },
        tier: { enum: ['gold', 'basic'] },
        tags: { type: 'array', items: text },
        day: { type: 'string', format: 'date' },
        code: { type: 'string', maxLength: 60_000, pattern: '^(a+)+$' },
      },
      { required: ['question'], additionalProperties: false },
    ),
  )

  it('takes what satisfies it', () => {
    expect(contract({ question: 'x', tier: 'gold', tags: ['a'], day: '2026-02-28' })).toEqual([])
  })

  it.each<[unknown, string]>([
    [{}, ''],
    [null, ''],
    [[], ''],
    ['text', ''],
    [{ question: '' }, '/question'],
    [{ question: 3 }, '/question'],
    [{ question: 'x', tier: 'silver' }, '/tier'],
    [{ question: 'x', tags: ['a', 1] }, '/tags/1'],
    [{ question: 'x', day: '2026-02-30' }, '/day'],
    [{ question: 'x', extra: 1 }, ''],
    [JSON.parse('{"question":"x","__proto__":{"a":1}}'), ''],
  ])('refuses %j at %j', (value, pointer) => {
    expect(contract(value)).toMatchObject([{ pointer }])
  })

  it('never repeats what the sender wrote, neither values nor names', () => {
    const open = compileContract(object({}, { additionalProperties: { type: 'integer' } }))
    const named = compileContract(object({}, { propertyNames: { maxLength: 3 } }))
    const told = JSON.stringify([
      contract({ question: 'x', tier: 'CANARY' }),
      contract({ question: 'x', CANARY: 1 }),
      contract({ question: 'CANARY'.repeat(20) }),
      open({ CANARY: 'x' }),
      named({ CANARY: 'x' }),
    ])
    expect(told).not.toContain('CANARY')
    expect(open({ CANARY: 'x' })).toMatchObject([{ pointer: '/*' }])
  })

  it('matches patterns in linear time', () => {
    const started = performance.now()
    expect(contract({ question: 'x', code: `${'a'.repeat(59_000)}!` })).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(2_000)
  })

  it('does not change what it looks at', () => {
    const defaulting = compileContract(object({ a: { type: 'string', default: 'admin' }, b: { type: 'integer' } }))
    const value = { b: '3' }
    expect(defaulting(value)).toHaveLength(1)
    expect(value).toEqual({ b: '3' })
  })

  it('keeps the entities of a bundle apart', () => {
    const contracts = compileContracts(
      new Map([
        ['a', { $defs: { x: { type: 'string' } }, $ref: '#/$defs/x' }],
        ['b', { $defs: { x: { type: 'integer' } }, $ref: '#/$defs/x' }],
      ]),
    )
    expect([contracts.get('a')!('t'), contracts.get('b')!(1)]).toEqual([[], []])
    expect([contracts.get('a')!(1), contracts.get('b')!('t')]).toMatchObject([[{}], [{}]])
  })

  it('of ten entities compiles in the time that a promotion may take', () => {
    const schemas = new Map(
      Array.from({ length: 10 }, (_, i) => [
        `e${i}`,
        object({ question: text, [`p${i}`]: { type: 'array', items: text } }, { required: ['question'] }),
      ]),
    )
    expect(bestMs(() => compileContracts(schemas))).toBeLessThan(60)
  })

  it('never throws, whatever it is shown', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => Array.isArray(contract(value))),
      { numRuns: 500, seed: 3 },
    )
  })
})
