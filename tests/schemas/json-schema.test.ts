import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { STEMMERS } from '../../runtime/engine/routing/stemmer.ts'
import { readSchemas, validatorOf, type SchemaName } from '../../schemas/json-schema.ts'
import { ALIASES, DIGEST, NAME, OID, PATH_SEGMENT, VERSION } from '../../schemas/names.ts'
import { POLICY_KINDS } from '../../schemas/registry/policies.ts'
import { KEY_SCOPES } from '../../schemas/registry/tenant.ts'

type Schema = Record<string, unknown> & { $defs?: Record<string, Schema>; properties?: Record<string, Schema> }

const ajv = new Ajv2020({ strict: true })
const schemas = readSchemas() as Map<SchemaName, Schema>
const names = schemas.get('registry/names')?.$defs ?? {}

/** Every schema inside a schema, with where it stands. */
function* parts(schema: Schema, where: string): Generator<[string, Schema]> {
  yield [where, schema]
  for (const [keyword, value] of Object.entries(schema)) {
    if (['$defs', 'properties'].includes(keyword)) {
      for (const [name, part] of Object.entries(value as Record<string, Schema>))
        yield* parts(part, `${where}/${keyword}/${name}`)
    }
    if (['items', 'additionalProperties', 'propertyNames'].includes(keyword) && typeof value === 'object') {
      yield* parts(value as Schema, `${where}/${keyword}`)
    }
    if (keyword === 'anyOf')
      for (const [at, part] of (value as Schema[]).entries()) yield* parts(part, `${where}/anyOf/${at}`)
  }
}

describe.each([...schemas])('%s', (name, schema) => {
  it('is a JSON Schema 2020-12 that compiles strictly', () => {
    expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).toBe(true)
    expect(() => validatorOf(name, 'every')).not.toThrow()
    expect(() => validatorOf(name, 'first')).not.toThrow()
  })

  it('tells editors what it is for', () => {
    expect(schema).toMatchObject({ title: expect.any(String), description: expect.any(String) })
    const silent = Object.entries(schema.properties ?? {}).filter(
      ([, part]) => !part['description'] && !part['$ref'] && part['const'] === undefined,
    )
    if (name.startsWith('registry/')) expect(silent).toEqual([])
  })

  it('bounds everything that can be long', () => {
    const open = [...parts(schema, name)].filter(([, part]) => {
      if (part['type'] === 'string') return part['maxLength'] === undefined && part['pattern'] === undefined
      if (part['type'] === 'array') return part['maxItems'] === undefined
      return false
    })
    expect(open.map(([where]) => where)).toEqual([])
  })

  it('refuses unknown keys wherever keys are known', () => {
    const lax = [...parts(schema, name)].filter(
      ([, part]) => part.properties !== undefined && part['additionalProperties'] !== false,
    )
    expect(lax.map(([where]) => where)).toEqual([])
  })
})

describe('the schemas and the code', () => {
  it.each([
    ['name', NAME],
    ['version', VERSION],
    ['digest', DIGEST],
    ['oid', OID],
    ['file', PATH_SEGMENT],
  ])('agree on the form of a %s', (name, form) => {
    expect(names[name]?.['pattern']).toBe(form.source)
  })

  it('agree on aliases, scopes, policies and stemmers', () => {
    const at = (schema: SchemaName, ...path: string[]) =>
      path.reduce<unknown>((part, step) => (part as Record<string, unknown>)[step], schemas.get(schema))
    expect(names['alias']?.['enum']).toEqual(ALIASES)
    expect(at('registry/keys', 'properties', 'keys', 'items', 'properties', 'scopes', 'items', 'enum')).toEqual(
      KEY_SCOPES,
    )
    expect(at('registry/registry', 'properties', 'policies', 'properties', 'required', 'items', 'enum')).toEqual(
      POLICY_KINDS,
    )
    expect(at('registry/ontology', 'properties', 'normalization', 'properties', 'stemmer', 'enum')).toEqual(STEMMERS)
    expect(
      POLICY_KINDS.filter((kind) => !schemas.has(`registry/${kind}`) || !schemas.has(`registry/floor-${kind}`)),
    ).toEqual([])
  })
})
