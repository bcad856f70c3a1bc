import type { LedgerHead } from './promotion/head.ts'

import type { Decision } from '../schemas/ledger/entry.ts'
import type { AliasEvidence } from './gates/alias-gate.ts'
import { ALIASES } from '../schemas/names.ts'
import { differingTenants } from './promotion/differences.ts'
import { wantsRollback } from './promotion/holds.ts'
import { dropSets, nextState, type NextState } from './promotion/next-state.ts'
import { planAlias } from './promotion/plan-aliases.ts'
import { planGovernance } from './promotion/plan-governance.ts'
import { planMain, type MainLine } from './promotion/plan-main.ts'
import { planSeals } from './promotion/plan-seals.ts'
import { planRemoval, planTenant } from './promotion/plan-tenants.ts'
import type { ValuesVerdicts } from './promotion/values-verdicts.ts'
import {
  hasRoom,
  newVerdicts,
  record,
  refusedByFindings,
  standingAfter,
  type Standing,
  type Verdicts,
} from './promotion/verdicts.ts'
import type { Wanted, WantedTenant } from './promotion/wanted.ts'

/** Everything that a plan is made of. */
export type Observation = {
  /** The newest entry of `live`, verified. */
  head: LedgerHead
  /** How the tip of `main` stands to what was last judged. */
  main: MainLine
  /** What the tip of `main` wants; null while `main` is not to be believed. */
  wanted: Wanted | null
  standing: Standing
  /** What Runtimes reported of candidates; null while that is not known yet. */
  comparisons: AliasEvidence['comparisons'] | null
  /** What is known of tenants' values in bundles. */
  values: ValuesVerdicts
}

export type Plan = {
  next: NextState
  covers: readonly string[]
  /** What must be written now, in the order of judgement; empty when nothing is new. */
  decisions: readonly Decision[]
  standing: Map<string, Decision>
  /** When the first wait ends by itself. */
  wakeAt: Date | null
}

/**
 * Judges every difference between what `main` wants and what is in force (DESIGN section 3). Order inside one entry:
 * governance, seals, tenants, draft, candidate, current; each sees the result of the one before. Tenants that go back go
 * before the others, so that no flood of changes holds a rollback up. Pure.
 */
export function planChanges({ head, main, wanted, standing, comparisons, values }: Observation, now: Date): Plan {
  const verdicts = newVerdicts(standing)
  const clock = new Date(Math.max(now.getTime(), Date.parse(head.entry.at)))
  const source = planMain(main, head.entry.source, head.state, clock, verdicts)
  const next = nextState(head.state, {
    seq: head.seq + 1,
    source: source ?? head.entry.source,
    now: clock,
    comparisons,
    values,
  })
  if (wanted !== null && source !== null) {
    if (wanted.governance !== null) planGovernance(wanted.governance, next, verdicts)
    planSeals(wanted.bundles, next, verdicts)
    for (const { subject, findings } of wanted.unreadable) record(verdicts, refusedByFindings(subject, findings))
    if (wanted.tenants !== null) planTenants(wanted.tenants, wanted.bundles, next, verdicts)
    dropSets(next)
  } else verdicts.partial = true
  const after = standingAfter(verdicts)
  return {
    next,
    covers: main.kind === 'descends' ? main.covers : [],
    decisions: verdicts.decisions.toSorted((a, b) => stageOf(a) - stageOf(b)),
    standing: after,
    wakeAt: firstEnd(after),
  }
}

function planTenants(
  tenants: NonNullable<Wanted['tenants']>,
  bundles: Wanted['bundles'],
  next: NextState,
  verdicts: Verdicts,
): void {
  const { changed, removed } = differingTenants(tenants, next.before.tenants)
  const readable = changed.filter((tenant) => 'settings' in tenant)
  const goesBack = (tenant: WantedTenant) => wantsRollback(tenant, next.before.tenants.get(tenant.name))
  for (const group of [readable.filter(goesBack), readable.filter((tenant) => !goesBack(tenant))]) {
    for (const tenant of group) if (hasRoom(verdicts)) planTenant(tenant, bundles, next, verdicts)
    for (const alias of ALIASES)
      for (const tenant of group) if (hasRoom(verdicts)) planAlias(tenant, alias, bundles, next, verdicts)
  }
  for (const tenant of changed)
    if ('findings' in tenant && hasRoom(verdicts))
      record(verdicts, refusedByFindings(`tenants/${tenant.name}`, tenant.findings))
  for (const tenant of removed) if (hasRoom(verdicts)) planRemoval(tenant, next, verdicts)
}

/** Governance, seals, tenants, draft, candidate, current. */
function stageOf({ subject }: Decision): number {
  if (/^(?:main|registry\.yaml|governance(?:\/.*)?)$/.test(subject)) return 0
  if (/^bundles(?:\/|$)/.test(subject)) return 1
  return /^tenants(?:\/|$)/.test(subject) ? 2 : 3 + ALIASES.findIndex((alias) => subject.endsWith(`/${alias}`))
}

function firstEnd(standing: Standing): Date | null {
  const ends = [...standing.values()].flatMap(({ not_before: end }) => (end === null ? [] : [Date.parse(end)]))
  return ends.length === 0 ? null : new Date(Math.min(...ends))
}
