import type { TenantState } from '../../schemas/ledger/state.ts'
import type { AliasName } from '../../schemas/names.ts'

/**
 * Seq of the alias's last change, which an approval of the next one names; 0 when it was never set. That an alias was
 * emptied is a change, too: what was approved for it before counts no more.
 */
export const changeSeq = (tenant: TenantState | null | undefined, alias: AliasName): number =>
  tenant?.aliases[alias]?.seq ?? tenant?.emptied?.[alias] ?? 0
