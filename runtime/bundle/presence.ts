/** Whether data of some shape has a value at a path: always, perhaps, or never. */
export type Presence = 'always' | 'perhaps' | 'never'

type Path = readonly (string | number)[]

export function presenceInData(data: unknown, [key, ...rest]: Path): Presence {
  if (key === undefined) return 'always'
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, key)) return 'never'
  return presenceInData((data as Record<string, unknown>)[key], rest)
}

type Schema = {
  $ref?: string
  $defs?: Record<string, Schema>
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: unknown
}

/** Looks no further than `properties`: where a schema says it in another way, a value is perhaps there. */
export function presenceInSchema(root: Schema, path: Path): Presence {
  let schema = root
  let presence: Presence = 'always'
  for (const key of path) {
    if (schema.$ref !== undefined) schema = root.$defs?.[schema.$ref.slice('#/$defs/'.length)] ?? {}
    const { properties = {}, required = [], additionalProperties = true } = schema
    if (typeof key !== 'string' || !Object.hasOwn(properties, key)) {
      return typeof key === 'string' && additionalProperties === false ? 'never' : 'perhaps'
    }
    if (!required.includes(key)) presence = 'perhaps'
    schema = properties[key] ?? {}
  }
  return presence
}
