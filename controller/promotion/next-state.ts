import type { LedgerState } from '../../runtime/trust/state.ts'
import type { LedgerRegistry, SealRecord, TenantState } from '../../schemas/ledger/state.ts'
import type { AliasEvidence } from '../gates/alias-gate.ts'
import type { ValuesProblem } from '../gates/values.ts'
import type { ValuesRequest, ValuesVerdicts } from './values-verdicts.ts'
import type { Revocation } from '../../schemas/registry/governance.ts'

/** The state that the entry being planned leads to: the state in force, and on top of it what was allowed so far. */
export type NextState = {
  readonly before: LedgerState
  /** Of the entry being planned. */
  readonly seq: number
  readonly source: string
  /** Never before the entry before. */
  readonly now: Date
  /** What Runtimes reported; null while that is not known yet. */
  readonly comparisons: AliasEvidence['comparisons'] | null
  /** What is known of values in bundles. */
  readonly values: ValuesVerdicts
  /** What was asked and is not known yet, by `valuesKey`. */
  readonly unjudged: Map<string, ValuesRequest>
  /** Tenants whose wanted values are not in force: what is wrong with them, or null while that is not known. */
  readonly valuesHeld: Map<string, readonly ValuesProblem[] | null>
  registry: LedgerRegistry
  /** Files of `governance/` on `live` that change; null removes. */
  readonly governance: Map<string, string | null>
  /** What is revoked, and what this entry revokes: a revocation acts at once. */
  revoked: readonly Revocation[]
  /** New seals, by `<name>/<version>`. */
  readonly seals: Map<string, SealRecord>
  /** Tenants that change; null removes. */
  readonly tenants: Map<string, TenantState | null>
  /** Texts of approval sets that come or go, by their sums. */
  readonly sets: Map<string, string | null>
}

export function nextState(
  before: LedgerState,
  { seq, source, now, comparisons, values }: Pick<NextState, 'seq' | 'source' | 'now' | 'comparisons' | 'values'>,
): NextState {
  return {
    before,
    seq,
    source,
    now,
    comparisons,
    values,
    unjudged: new Map(),
    valuesHeld: new Map(),
    registry: before.registry,
    governance: new Map(),
    revoked: before.revoked,
    seals: new Map(),
    tenants: new Map(),
    sets: new Map(),
  }
}

export function tenantOf(next: NextState, name: string): TenantState | null {
  const changed = next.tenants.get(name)
  return changed === undefined ? (next.before.tenants.get(name) ?? null) : changed
}

export function sealOf(next: NextState, bundle: string, version: string): SealRecord | null {
  const key = `${bundle}/${version}`
  return next.seals.get(key) ?? next.before.seals.get(key) ?? null
}

/** When sets come, those go that no alias names any more: the history of `live` keeps them. */
export function dropSets({ before, tenants, sets }: NextState): void {
  if (sets.size === 0) return
  const after = new Map<string, TenantState | null>([...before.tenants, ...tenants])
  const named = new Set<string | undefined>()
  for (const tenant of after.values())
    for (const { approvals } of Object.values(tenant?.aliases ?? {})) for (const { set } of approvals) named.add(set)
  for (const sum of before.sets.keys()) if (!named.has(sum)) sets.set(sum, null)
}
