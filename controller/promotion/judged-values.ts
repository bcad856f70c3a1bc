import { areDefaults } from '../../runtime/tenants/values-digest.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { ValuesProblem } from '../gates/values.ts'
import type { NextState } from './next-state.ts'
import { valuesKey, type ValuesSeal } from './values-verdicts.ts'

/**
 * What is wrong with values in a bundle; null while it is not known, which is noted as missing. With the defaults the
 * gates of the bundle ran its suites already.
 */
export function judgedValues(next: NextState, seal: ValuesSeal, values: Values): readonly ValuesProblem[] | null {
  if (areDefaults(values)) return []
  const request = { seal, values }
  const problems = next.values(request)
  if (problems === null) next.unjudged.set(valuesKey(request), request)
  return problems
}
