import type { AliasState, TenantState } from '../../schemas/ledger/state.ts'
import { ALIASES } from '../../schemas/names.ts'
import type { ValuesProblem } from '../gates/values.ts'
import { judgedValues } from './judged-values.ts'
import { sealOf, tenantOf, type NextState } from './next-state.ts'
import { planAlias } from './plan-aliases.ts'
import type { ValuesSeal } from './values-verdicts.ts'
import { newVerdicts } from './verdicts.ts'
import type { WantedBundle, WantedTenant } from './wanted.ts'

/** Only these serve tenants. */
const SERVED = ['candidate', 'current'] as const

/**
 * What is wrong with values that a tenant asks for, together with every bundle that would serve it then: `asked` is the
 * tenant with them, and its aliases move as far as they may. Null while that is not known.
 */
export function problemsOfChange(
  wanted: WantedTenant,
  asked: TenantState,
  bundles: ReadonlyMap<string, WantedBundle>,
  next: NextState,
): readonly ValuesProblem[] | null {
  const trial: NextState = {
    ...next,
    tenants: new Map([[wanted.name, asked]]),
    sets: new Map(),
    valuesHeld: new Map(),
  }
  const verdicts = newVerdicts(new Map())
  for (const alias of ALIASES) planAlias(wanted, alias, bundles, trial, verdicts)
  if ([...verdicts.open.values()].includes(null)) return null
  const after = tenantOf(trial, wanted.name)
  const judged = SERVED.flatMap((alias) => {
    const held = after?.aliases[alias]
    return held === undefined ? [] : [judgedValues(trial, sealOfAlias(next, held), asked.values)]
  })
  return judged.includes(null) ? null : judged.flatMap((problems) => problems ?? [])
}

const sealOfAlias = (next: NextState, held: AliasState): ValuesSeal => sealOf(next, held.bundle, held.version) ?? held
