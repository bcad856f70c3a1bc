/** A place inside a schema, as keys from its root. */
export type Pointer = readonly (string | number)[]

type Kind =
  | 'schema'
  | 'schemas'
  | 'named schemas'
  | 'schema or boolean'
  | 'count'
  | 'number'
  | 'whole'
  | 'text'
  | 'truth'
  | 'names'
  | 'named names'
  | 'scalars'
  | 'scalar'
  | 'types'
  | 'reference'
  | 'pattern'
  | 'format'
  | 'dialect'
  | 'any'

/**
 * The keywords of JSON Schema 2020-12 that an entity may use. Left out on purpose: whatever loads, recurses, looks
 * at other data or costs more than linear time ($id, $anchor, $dynamicRef, $data, patternProperties, contains,
 * unevaluated…).
 */
export const KEYWORDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['$schema', 'dialect'],
  ['$comment', 'text'],
  ['$defs', 'named schemas'],
  ['$ref', 'reference'],
  ['title', 'text'],
  ['description', 'text'],
  ['default', 'any'],
  ['examples', 'any'],
  ['deprecated', 'truth'],
  ['readOnly', 'truth'],
  ['writeOnly', 'truth'],
  ['type', 'types'],
  ['enum', 'scalars'],
  ['const', 'scalar'],
  ['allOf', 'schemas'],
  ['anyOf', 'schemas'],
  ['oneOf', 'schemas'],
  ['not', 'schema'],
  ['if', 'schema'],
  ['then', 'schema'],
  ['else', 'schema'],
  ['properties', 'named schemas'],
  ['required', 'names'],
  ['additionalProperties', 'schema or boolean'],
  ['propertyNames', 'schema'],
  ['minProperties', 'count'],
  ['maxProperties', 'count'],
  ['dependentRequired', 'named names'],
  ['dependentSchemas', 'named schemas'],
  ['items', 'schema or boolean'],
  ['prefixItems', 'schemas'],
  ['minItems', 'count'],
  ['maxItems', 'count'],
  ['uniqueItems', 'truth'],
  ['minLength', 'count'],
  ['maxLength', 'count'],
  ['pattern', 'pattern'],
  ['format', 'format'],
  ['minimum', 'number'],
  ['maximum', 'number'],
  ['exclusiveMinimum', 'number'],
  ['exclusiveMaximum', 'number'],
  ['multipleOf', 'whole'],
])

export type Child = { schema: unknown; pointer: Pointer; keyword: string }

/** The schemas that stand directly inside a schema. */
export function childSchemas(schema: object, pointer: Pointer): Child[] {
  return Object.entries(schema).flatMap(([keyword, value]: [string, unknown]): Child[] => {
    const kind = KEYWORDS.get(keyword)
    const at = [...pointer, keyword]
    if (kind === 'schema' || (kind === 'schema or boolean' && typeof value !== 'boolean')) {
      return [{ schema: value, pointer: at, keyword }]
    }
    if (kind === 'schemas' && Array.isArray(value)) {
      return value.map((item: unknown, index) => ({ schema: item, pointer: [...at, index], keyword }))
    }
    if (kind === 'named schemas' && isObject(value)) {
      return Object.entries(value).map(([name, item]: [string, unknown]) => ({
        schema: item,
        pointer: [...at, name],
        keyword,
      }))
    }
    return []
  })
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
