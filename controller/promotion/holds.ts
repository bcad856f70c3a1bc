import type { AliasState, TenantState } from '../../schemas/ledger/state.ts'
import { ALIASES } from '../../schemas/names.ts'
import type { Alias } from '../../schemas/registry/alias.ts'
import { isReadable, type WantedTenant } from './wanted.ts'

/** Whether the alias already is what its file says; a draft without a digest follows the version. */
export function holds(held: AliasState, { bundle, version, digest }: Alias): boolean {
  return held.bundle === bundle && held.version === version && (digest === undefined || digest === held.digest)
}

/** Whether an alias file names what its alias held before: whether it counts as a rollback is judged later. */
export function wantsRollback({ aliases }: WantedTenant, state: TenantState | undefined): boolean {
  return ALIASES.some((alias) => {
    const file = aliases[alias]
    if (file === undefined || !isReadable(file)) return false
    const { digest } = file.value
    return state?.aliases[alias]?.stack.some((level) => level.until !== null && level.digest === digest) ?? false
  })
}
