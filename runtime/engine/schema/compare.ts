import { isDeepStrictEqual } from 'node:util'
import { isObject } from './keywords.ts'
import { checkReferences } from './references.ts'
import { checkShape } from './shape.ts'

/**
 * How a schema changed at a place: `narrower` refuses values that were fine, `wider` takes values that were not.
 * `field added` and `field removed` are about declared properties; `other` cannot be told and may be both.
 */
export type SchemaChange = {
  pointer: string
  kind: 'narrower' | 'wider' | 'optional field added' | 'required field added' | 'field removed' | 'other'
  message: string
}

type Schema = Record<string, unknown>
type Place = { pointer: string; beforeRoot: Schema; afterRoot: Schema }

/** Keywords whose larger value refuses more, and those whose larger value takes more. */
const LOWER_BOUNDS = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties']
const UPPER_BOUNDS = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']
/** Conditions that refuse more where they stand than where they do not; two different ones cannot be compared. */
const CONDITIONS = [
  'pattern',
  'format',
  'multipleOf',
  'propertyNames',
  'dependentRequired',
  'dependentSchemas',
  'not',
  'prefixItems',
]
const COMPOUNDS = ['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else']

/**
 * What changed between two entity schemas of the keywords that `keywords.ts` allows. One that is not allowed has no
 * sound meaning to compare: that is one change that may be anything.
 */
export function compareSchemas(before: object, after: object): SchemaChange[] {
  if (isDeepStrictEqual(before, after)) return []
  if (!isSound(before) || !isSound(after)) {
    return [{ pointer: '', kind: 'other', message: 'the schema is not allowed, so the change cannot be told' }]
  }
  return compare(before as Schema, after as Schema, {
    pointer: '',
    beforeRoot: before as Schema,
    afterRoot: after as Schema,
  })
}

function isSound(schema: object): boolean {
  let sound = true
  const report = () => {
    sound = false
  }
  checkShape(schema, report)
  if (sound) checkReferences(schema, report)
  return sound
}

function compare(writtenBefore: Schema, writtenAfter: Schema, place: Place): SchemaChange[] {
  const before = resolve(writtenBefore, place.beforeRoot)
  const after = resolve(writtenAfter, place.afterRoot)
  if (isDeepStrictEqual(place.beforeRoot['$defs'], place.afterRoot['$defs']) && isDeepStrictEqual(before, after))
    return []
  return [
    ...compareTypes(before, after, place),
    ...compareChoices(before, after, place),
    ...compareBounds(before, after, place),
    ...CONDITIONS.flatMap((keyword) => compareCondition(keyword, before, after, place)),
    ...COMPOUNDS.flatMap((keyword) => compareCompound(keyword, before, after, place)),
    ...compareProperties(before, after, place),
    ...compareItems(before, after, place),
  ]
}

/** A schema with the definition that it refers to written out; entities have no circles. */
function resolve(schema: Schema, root: Schema): Schema {
  const { $ref, ...rest } = schema
  if (typeof $ref !== 'string') return schema
  const defs = root['$defs'] as Record<string, Schema>
  return { ...resolve(defs[$ref.slice('#/$defs/'.length)] ?? {}, root), ...rest }
}

function change(place: Place, kind: SchemaChange['kind'], message: string): SchemaChange {
  return { pointer: place.pointer, kind, message }
}

function compareTypes(before: Schema, after: Schema, place: Place): SchemaChange[] {
  return compareSets('type', typesOf(before), typesOf(after), place)
}

/** `integer` is one of the numbers. */
function typesOf({ type }: Schema): string[] | null {
  if (type === undefined) return null
  const types = [type].flat().map(String)
  return types.includes('number') ? [...types, 'integer'] : types
}

function compareChoices(before: Schema, after: Schema, place: Place): SchemaChange[] {
  const choices = (schema: Schema) =>
    'const' in schema ? [schema['const']] : (schema['enum'] as unknown[] | undefined)
  const keys = (schema: Schema) => choices(schema)?.map((choice) => JSON.stringify(choice)) ?? null
  return compareSets('the values allowed', keys(before), keys(after), place)
}

/** Null stands for everything. */
function compareSets(name: string, before: string[] | null, after: string[] | null, place: Place): SchemaChange[] {
  const gone = after === null ? [] : (before ?? ['anything']).filter((item) => !after.includes(item))
  const come = before === null ? [] : (after ?? ['anything']).filter((item) => !before.includes(item))
  return [
    ...(gone.length > 0 ? [change(place, 'narrower', `${name}: no longer ${gone.join(', ')}`)] : []),
    ...(come.length > 0 ? [change(place, 'wider', `${name}: also ${come.join(', ')}`)] : []),
  ]
}

function compareBounds(before: Schema, after: Schema, place: Place): SchemaChange[] {
  const compareBound = (keyword: string, absent: number): SchemaChange[] => {
    const old = (before[keyword] ?? absent) as number
    const now = (after[keyword] ?? absent) as number
    if (old === now) return []
    const told = `${keyword}: ${bound(old)} -> ${bound(now)}`
    return [change(place, now > old === absent < 0 ? 'narrower' : 'wider', told)]
  }
  return [
    ...LOWER_BOUNDS.flatMap((keyword) => compareBound(keyword, -Infinity)),
    ...UPPER_BOUNDS.flatMap((keyword) => compareBound(keyword, Infinity)),
  ]
}

function bound(value: number): string {
  return Number.isFinite(value) ? String(value) : 'none'
}

function compareCondition(keyword: string, before: Schema, after: Schema, place: Place): SchemaChange[] {
  if (isDeepStrictEqual(before[keyword], after[keyword])) return []
  if (before[keyword] === undefined) return [change(place, 'narrower', `${keyword} was added`)]
  if (after[keyword] === undefined) return [change(place, 'wider', `${keyword} was removed`)]
  return [change(place, 'other', `${keyword} was changed`)]
}

function compareCompound(keyword: string, before: Schema, after: Schema, place: Place): SchemaChange[] {
  return isDeepStrictEqual(before[keyword], after[keyword]) ? [] : [change(place, 'other', `${keyword} was changed`)]
}

function compareProperties(before: Schema, after: Schema, place: Place): SchemaChange[] {
  const old = propertiesOf(before)
  const now = propertiesOf(after)
  const requiredBefore = (before['required'] ?? []) as string[]
  const requiredAfter = (after['required'] ?? []) as string[]
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])]
  return [
    ...names.flatMap((name): SchemaChange[] => {
      const at = { ...place, pointer: `${place.pointer}/${name}` }
      const [was, is] = [old[name], now[name]]
      if (was === undefined) {
        const kind = requiredAfter.includes(name) ? 'required field added' : 'optional field added'
        return [change(at, kind, kind)]
      }
      if (is === undefined) return [change(at, 'field removed', 'field removed')]
      const required = [requiredBefore.includes(name), requiredAfter.includes(name)]
      return [
        ...(!required[0] && required[1] ? [change(at, 'narrower', 'is now required')] : []),
        ...(required[0] && !required[1] ? [change(at, 'wider', 'is no longer required')] : []),
        ...compare(was, is, at),
      ]
    }),
    ...compareRest('additionalProperties', before, after, place),
  ]
}

function propertiesOf(schema: Schema): Record<string, Schema> {
  return (schema['properties'] ?? {}) as Record<string, Schema>
}

function compareItems(before: Schema, after: Schema, place: Place): SchemaChange[] {
  const unique = [before['uniqueItems'] === true, after['uniqueItems'] === true]
  return [
    ...compareRest('items', before, after, { ...place, pointer: `${place.pointer}/items` }),
    ...(!unique[0] && unique[1] ? [change(place, 'narrower', 'items must now differ')] : []),
    ...(unique[0] && !unique[1] ? [change(place, 'wider', 'items may now repeat')] : []),
  ]
}

/** A schema for everything else; true where it is left out. */
function compareRest(keyword: string, before: Schema, after: Schema, place: Place): SchemaChange[] {
  const old = before[keyword] ?? true
  const now = after[keyword] ?? true
  if (isObject(old) && isObject(now)) return compare(old, now, place)
  if (isDeepStrictEqual(old, now)) return []
  const narrower = old === true || now === false
  return [change(place, narrower ? 'narrower' : 'wider', `${keyword} was ${narrower ? 'closed' : 'opened'}`)]
}
