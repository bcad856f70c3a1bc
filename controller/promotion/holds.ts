import type { AliasState } from '../../schemas/ledger/state.ts'
import type { Alias } from '../../schemas/registry/alias.ts'

/** Whether the alias already is what its file says; a draft without a digest follows the version. */
export function holds(held: AliasState, { bundle, version, digest }: Alias): boolean {
  return held.bundle === bundle && held.version === version && (digest === undefined || digest === held.digest)
}
