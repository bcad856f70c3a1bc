import type { ErrorObject } from 'ajv/dist/2020.js'
import type { Pointer } from './document.ts'
import { nearest } from './nearest.ts'
import { shown } from './safe-value.ts'

export type SchemaProblem = { pointer: Pointer; part: 'key' | 'value'; message: string; hint: string }

/** What the errors of a validation say to a person: expected, found, what to do. At most `most`, duplicates left out. */
export function schemaProblems(errors: readonly ErrorObject[], most: number): SchemaProblem[] {
  const problems = new Map<string, SchemaProblem>()
  for (const error of errors) {
    // Errors about the name of a key come twice: as themselves, and as the `propertyNames` that follows them.
    if (error.propertyName !== undefined && error.keyword !== 'propertyNames') continue
    const problem = problemOf(error)
    problems.set(`${problem.part} ${problem.pointer.join('/')} ${problem.message}`, problem)
    if (problems.size >= most) break
  }
  return [...problems.values()]
}

function problemOf(error: ErrorObject): SchemaProblem {
  const pointer = stepsOf(error.instancePath)
  const describe = hintOf(error)
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(error, pointer, String(error.params['additionalProperty']))
    case 'propertyNames': {
      const name = String(error.params['propertyName'])
      const rule = error.parentSchema?.['propertyNames'] as { description?: string } | undefined
      const hint = rule?.description ?? 'Use another name.'
      return { pointer: [...pointer, name], part: 'key', message: `the key ${shown(name)} is not allowed here`, hint }
    }
    case 'required': {
      const name = String(error.params['missingProperty'])
      const hint = descriptionOf(propertiesOf(error)[name]) ?? `Add ${name}.`
      return { pointer, part: 'value', message: `expected the key ${shown(name)}, found none`, hint }
    }
    default:
      return { pointer, part: 'value', message: `expected ${expected(error)}, found ${found(error)}`, hint: describe }
  }
}

function unknownKey(error: ErrorObject, pointer: Pointer, name: string): SchemaProblem {
  const known = Object.keys(propertiesOf(error))
  const meant = nearest(name, known)
  const hint = meant === null ? `Known keys: ${known.join(', ')}.` : `Did you mean ${shown(meant)}?`
  return { pointer: [...pointer, name], part: 'key', message: `unknown key ${shown(name)}`, hint }
}

const KINDS: Record<string, string> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
}

function expected({ keyword, params, schema }: ErrorObject): string {
  const limit = String(params['limit'])
  switch (keyword) {
    case 'type':
      return [params['type']]
        .flat()
        .map((type) => KINDS[String(type)] ?? String(type))
        .join(' or ')
    case 'enum':
      return `one of ${(schema as unknown[]).map((value) => JSON.stringify(value)).join(', ')}`
    case 'const':
      return JSON.stringify(schema)
    case 'format':
      return FORMATS[String(schema)] ?? `the format ${String(schema)}`
    case 'pattern':
      return 'another form'
    case 'minLength':
    case 'maxLength':
      return `${keyword === 'minLength' ? 'at least' : 'at most'} ${limit} characters`
    case 'minItems':
    case 'maxItems':
      return `${keyword === 'minItems' ? 'at least' : 'at most'} ${limit} entries`
    case 'minProperties':
    case 'maxProperties':
      return `${keyword === 'minProperties' ? 'at least' : 'at most'} ${limit} keys`
    case 'minimum':
      return `at least ${limit}`
    case 'maximum':
      return `at most ${limit}`
    case 'exclusiveMinimum':
      return `more than ${limit}`
    case 'uniqueItems':
      return 'entries that differ'
    default:
      return `what ${keyword} says`
  }
}

const FORMATS: Record<string, string> = {
  'date-time': 'a date and time of RFC 3339, such as 2026-03-02T09:00:00Z',
  duration: 'an ISO 8601 duration of weeks, days or less, such as PT1H or P30D',
  timezone: 'an IANA time zone, such as America/Sao_Paulo',
}

/** What stands there; never of a `writeOnly` property, where somebody may have put a secret by mistake. */
function found({ data, keyword, params, parentSchema }: ErrorObject): string {
  if (keyword === 'uniqueItems') return `entries ${Number(params['j']) + 1} and ${Number(params['i']) + 1} equal`
  if (Array.isArray(data)) return keyword === 'type' ? 'a list' : `${data.length}`
  if (typeof data === 'object' && data !== null) {
    return keyword === 'type' ? 'a mapping' : `${Object.keys(data).length}`
  }
  if (parentSchema?.['writeOnly'] === true) return typeof data === 'string' ? 'other text' : typeof data
  return typeof data === 'string' ? shown(data) : String(data)
}

function hintOf({ keyword, schema, data, parentSchema, params }: ErrorObject): string {
  if (keyword === 'type' && params['type'] === 'string' && ['number', 'boolean'].includes(typeof data)) {
    return 'Put it in quotes: it is text.'
  }
  if (keyword === 'enum' && typeof data === 'string') {
    const meant = nearest(
      data,
      (schema as unknown[]).filter((value) => typeof value === 'string'),
    )
    if (meant !== null) return `Did you mean ${shown(meant)}?`
  }
  return descriptionOf(parentSchema) ?? 'Compare with the JSON Schema of this file under schemas/.'
}

function descriptionOf(schema: unknown): string | null {
  if (typeof schema !== 'object' || schema === null) return null
  const { description, examples } = schema as { description?: string; examples?: unknown[] }
  const [example] = examples ?? []
  if (description === undefined) return null
  return example === undefined ? description : `${description} For example: ${JSON.stringify(example)}.`
}

const propertiesOf = ({ parentSchema }: ErrorObject) => (parentSchema?.['properties'] ?? {}) as Record<string, unknown>

/** RFC 6901 */
function stepsOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}
