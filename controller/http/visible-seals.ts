import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { LedgerHead } from '../promotion/head.ts'
import type { Caller } from './caller.ts'

/** Seals that a caller may see: the operator all of them, a tenant those of the bundles that its aliases hold. */
export function visibleSeals({ state }: LedgerHead, caller: Caller): SealRecord[] {
  const all = [...state.seals.values()]
  if (caller.kind === 'operator') return all
  const held = new Set(Object.values(caller.state.aliases).map(({ bundle }) => bundle))
  return all.filter(({ bundle }) => held.has(bundle))
}
