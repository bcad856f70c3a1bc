import { compilePattern } from '../pattern.ts'
import { FORMATS } from './formats.ts'
import { childSchemas, isObject, KEYWORDS, type Pointer } from './keywords.ts'

/** Bytes of a schema as JSON, levels of schemas and lists inside it, and values of any kind in it. */
const MAX_BYTES = 65_536
const MAX_DEPTH = 16
const MAX_NODES = 1_000
/** Needed where a keyword costs more than the length of its text or list. */
const MAX_UNIQUE_ITEMS = 1_000
const MAX_PATTERN_TEXT = 65_536
/** Characters times instructions of a pattern: about 0.1 s. */
const MAX_PATTERN_WORK = 4_000_000

const TYPES = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'])
const DIALECT = 'https://json-schema.org/draft/2020-12/schema'
const FORBIDDEN_NAMES = new Set(['__proto__', 'constructor', 'prototype'])

export type Report = (pointer: Pointer, message: string, hint: string) => void

/** Reports everything in an entity schema that is not on the list of keywords or not of its keyword's kind. */
export function checkShape(schema: unknown, report: Report): void {
  const size = measure(schema)
  if (size !== null) return report([], `The schema ${size}.`, 'Make it smaller, or split the entity.')
  checkSchema(schema, [], 0, report)
}

/** What is too much, measured without recursion, so that nothing deep reaches what recurses. */
function measure(schema: unknown): string | null {
  let nodes = 0
  const open: { value: unknown; depth: number }[] = [{ value: schema, depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next
    if (++nodes > MAX_NODES) return `has more than ${MAX_NODES} values`
    if (depth > MAX_DEPTH) return `is more than ${MAX_DEPTH} levels deep`
    if (typeof value === 'object' && value !== null) {
      for (const item of Object.values(value)) open.push({ value: item, depth: depth + 1 })
    }
  }
  return JSON.stringify(schema).length > MAX_BYTES ? `has more than ${MAX_BYTES} bytes` : null
}

function checkSchema(schema: unknown, pointer: Pointer, level: number, report: Report): void {
  if (!isObject(schema))
    return report(pointer, 'A schema is an object here.', 'Write keywords, or leave the schema out.')
  for (const [keyword, value] of Object.entries(schema)) {
    const at = [...pointer, keyword]
    const kind = KEYWORDS.get(keyword)
    if (kind === undefined) {
      report(at, `The keyword "${keyword}" is not allowed.`, `Allowed are ${[...KEYWORDS.keys()].join(', ')}.`)
      continue
    }
    if (keyword === '$defs' && level > 0)
      report(at, '$defs stands at the root only.', 'Move it to the root of the schema.')
    const problem = CHECKS[kind](value)
    if (problem !== null) report(at, `"${keyword}" ${problem}.`, 'Correct the value.')
  }
  checkCosts(schema, pointer, report)
  for (const child of childSchemas(schema, pointer)) checkSchema(child.schema, child.pointer, level + 1, report)
}

/** Keywords whose cost grows with the data need a bound beside them. */
function checkCosts(schema: Record<string, unknown>, pointer: Pointer, report: Report): void {
  const { maxItems, maxLength, pattern } = schema
  if (schema['uniqueItems'] === true && !(typeof maxItems === 'number' && maxItems <= MAX_UNIQUE_ITEMS)) {
    report(
      [...pointer, 'uniqueItems'],
      `"uniqueItems" needs "maxItems" of at most ${MAX_UNIQUE_ITEMS} beside it.`,
      'Add maxItems.',
    )
  }
  if (typeof pattern !== 'string') return
  const at = [...pointer, 'pattern']
  if (!(typeof maxLength === 'number' && maxLength <= MAX_PATTERN_TEXT)) {
    return report(at, `"pattern" needs "maxLength" of at most ${MAX_PATTERN_TEXT} beside it.`, 'Add maxLength.')
  }
  const compiled = compilePattern(pattern)
  if (typeof compiled !== 'string' && compiled.size * maxLength > MAX_PATTERN_WORK) {
    report(at, '"pattern" is too large for texts of this "maxLength".', 'Lower maxLength, or write a smaller pattern.')
  }
}

type Check = (value: unknown) => string | null

const isName = (value: unknown) => typeof value === 'string' && !FORBIDDEN_NAMES.has(value)
const isNames = (value: unknown) => Array.isArray(value) && value.every(isName) && new Set(value).size === value.length
const isScalar = (value: unknown) => value === null || ['string', 'number', 'boolean'].includes(typeof value)
const expect = (holds: (value: unknown) => boolean, wanted: string): Check => {
  return (value) => (holds(value) ? null : `must be ${wanted}`)
}

const CHECKS: Record<NonNullable<ReturnType<typeof KEYWORDS.get>>, Check> = {
  any: () => null,
  schema: expect(isObject, 'a schema'),
  schemas: expect((value) => Array.isArray(value) && value.length > 0, 'a list of schemas'),
  'named schemas': expect((value) => isObject(value) && Object.keys(value).every(isName), 'schemas by name'),
  'schema or boolean': expect((value) => typeof value === 'boolean' || isObject(value), 'a schema, true or false'),
  count: expect((value) => Number.isSafeInteger(value) && (value as number) >= 0, 'a whole number from 0'),
  number: expect((value) => typeof value === 'number' && Number.isFinite(value), 'a number'),
  whole: expect((value) => Number.isSafeInteger(value) && (value as number) > 0, 'a whole number from 1'),
  text: expect((value) => typeof value === 'string', 'a text'),
  truth: expect((value) => typeof value === 'boolean', 'true or false'),
  names: expect(isNames, 'a list of different names'),
  'named names': expect((value) => isObject(value) && Object.values(value).every(isNames), 'lists of names by name'),
  scalar: expect(isScalar, 'a text, a number, true, false or null'),
  scalars: expect(
    (value) => Array.isArray(value) && value.length > 0 && value.every(isScalar),
    'a list of texts, numbers, true, false or null',
  ),
  types: expect(
    (value) => {
      const types = Array.isArray(value) ? value : [value]
      return types.length > 0 && types.every((type) => typeof type === 'string' && TYPES.has(type))
    },
    `one of ${[...TYPES].join(', ')}`,
  ),
  reference: expect(
    (value) => typeof value === 'string' && /^#\/\$defs\/[A-Za-z0-9_-]{1,64}$/.test(value),
    '#/$defs/<name>',
  ),
  pattern: (value) => {
    const compiled = typeof value === 'string' ? compilePattern(value) : 'must be a text'
    return typeof compiled === 'string' ? compiled : null
  },
  format: expect(
    (value) => typeof value === 'string' && Object.hasOwn(FORMATS, value),
    `one of ${Object.keys(FORMATS).join(', ')}`,
  ),
  dialect: expect((value) => value === DIALECT, DIALECT),
}
