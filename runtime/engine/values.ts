import { Fault } from '../../schemas/fault.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import { compileContract } from './contract.ts'
import type { Violation } from './schema/violation.ts'

/** What a bundle takes from its tenants. */
export type ValuesContract = {
  /** How a tenant's values break `values.schema.yaml`; values for a bundle that takes none are a violation too. */
  check(values: Values): Violation[]
  /**
   * The tenant's values with the schema's defaults where the tenant says nothing; the same object for the same values.
   * @throws Fault `BUNDLE_UNVERIFIED` when they break the schema.
   */
  resolve(values: Values): Values
}

/** @throws Fault `ENTITY_INVALID` when the schema is not allowed, or a default breaks it. */
export function createValues(schema: object | null): ValuesContract {
  if (schema === null) {
    const nothing = Object.freeze({})
    const check = (values: Values) =>
      Object.keys(values).length === 0 ? [] : [{ pointer: '', message: 'must be empty: the bundle takes no values' }]
    return { check, resolve: () => nothing }
  }
  const validate = compileContract(schema)
  const resolved = new WeakMap<Values, Values>()
  const merge = (values: Values): Values => ({ ...defaultsOf(schema), ...values })
  const check = (values: Values) => validate(merge(values))
  const broken = check({})
  if (broken.length > 0)
    throw new Fault('ENTITY_INVALID', `values.schema.yaml: the defaults break the schema: ${describe(broken)}`)
  return {
    check,
    resolve(values) {
      const known = resolved.get(values)
      if (known !== undefined) return known
      const merged = merge(values)
      const violations = validate(merged)
      if (violations.length > 0)
        throw new Fault('BUNDLE_UNVERIFIED', `The tenant's values do not fit the bundle: ${describe(violations)}`)
      resolved.set(values, merged)
      return merged
    },
  }
}

export function describe(violations: readonly Violation[]): string {
  return violations.map(({ pointer, message }) => `${pointer === '' ? 'the whole' : pointer} ${message}`).join('; ')
}

/** Defaults of the top-level properties. */
function defaultsOf(schema: object): Values {
  const properties = (schema as { properties?: Record<string, { default?: unknown }> }).properties ?? {}
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, property]) =>
      property.default === undefined ? [] : [[name, property.default]],
    ),
  )
}
