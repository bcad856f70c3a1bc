import { judgeApprovals, mayApprove } from '../../../runtime/trust/approvals.ts'
import { changeSeq } from '../../../runtime/trust/change-seq.ts'
import { ownersNeeded } from '../../../runtime/trust/owner-approvals.ts'
import type { BundleRef, Decision } from '../../../schemas/ledger/entry.ts'
import { ALIASES, type AliasName, digest12 } from '../../../schemas/names.ts'
import { nothingCompared } from '../../gates/shadow.ts'
import { wantedLevel } from '../../gates/rollback.ts'
import { planChanges, type Plan } from '../../plan.ts'
import type { LedgerHead } from '../../promotion/head.ts'
import { sealOf } from '../../promotion/next-state.ts'
import type { MainContent } from '../../promotion/read-main.ts'
import type { ValuesRequest, ValuesVerdicts } from '../../promotion/values-verdicts.ts'
import { isSameVerdict, MAX_DECISIONS } from '../../promotion/verdicts.ts'
import type { Wanted, WantedBundle } from '../../promotion/wanted.ts'
import type { ApprovalsNeeded, MergePreview, PreviewedDecision } from './check-result.ts'

/** A commit of `main`, there or about to be, and what is known of its bundles. */
export type Side = {
  tip: string
  content: MainContent
  bundles: ReadonlyMap<string, WantedBundle>
  values: ValuesVerdicts
}

/**
 * What the controller would decide about `after` that it does not decide about `before` already. The plan is the
 * controller's own. `unjudged` are values that it would judge first.
 */
export function previewMerge(
  head: LedgerHead,
  after: Side,
  before: Side | null,
  now: Date,
): { preview: MergePreview; unjudged: ValuesRequest[] } {
  const planned = before === null ? null : planOf(head, before, now)
  const known = planned?.decisions ?? []
  const plan = planOf(head, after, now)
  const fresh = plan.decisions.filter((decision) => !known.some((other) => isSameVerdict(decision, other)))
  const preview = {
    seq: head.seq,
    complete: plan.decisions.length < MAX_DECISIONS,
    decisions: fresh.map((decision) => previewOf(decision, head, after.content, plan)),
  }
  return { preview, unjudged: [planned, plan].flatMap((each) => [...(each?.next.unjudged.values() ?? [])]) }
}

/** Who will sign the merge is not known; who signed what is there is told apart from it. */
const NOT_MERGED = { signers: [], isWhole: true, acceptances: [] } as const

function planOf(head: LedgerHead, { tip, content, bundles, values }: Side, now: Date): Plan {
  const wanted: Wanted = { ...content, bundles }
  const main = { kind: 'descends', tip, covers: [], signed: NOT_MERGED } as const
  return planChanges({ head, main, wanted, standing: new Map(), comparisons: nothingCompared, values }, now)
}

function previewOf(decision: Decision, head: LedgerHead, content: MainContent, plan: Plan): PreviewedDecision {
  const { subject, kind, decision: verdict, reason_code, message, not_before, from, to } = decision
  const told = { subject, kind, decision: verdict, reason_code, message, not_before, from, to }
  const change = aliasOf(subject)
  if (change !== null && to !== null) return { ...told, approvals: ofAlias(change, to, content, plan) }
  const owners = reason_code === 'GOVERNANCE_NOT_APPROVED' ? ofOwners(head) : null
  return { ...told, approvals: owners }
}

export type AliasSubject = { tenant: string; alias: AliasName }

/** The alias that a decision is about, where it is about one. */
export function aliasOf(subject: string): AliasSubject | null {
  const [tenant = '', name = '', ...rest] = subject.split('/')
  const alias = ALIASES.find((known) => known === name)
  return alias === undefined || rest.length > 0 ? null : { tenant, alias }
}

function ofAlias(
  { tenant, alias }: AliasSubject,
  to: BundleRef,
  { tenants }: MainContent,
  { next }: Plan,
): ApprovalsNeeded | null {
  const { before, now } = next
  const { rules } = before.registry
  const state = before.tenants.get(tenant) ?? null
  const seal = sealOf(next, to.bundle, to.version)
  const promotion = alias === 'draft' ? 0 : rules.promotion[alias].approvals
  const level = wantedLevel({ rules, alias, state, wanted: to, seal, now })
  const needed = level === null ? promotion : rules.rollback.approvals
  const wanted = tenants?.get(tenant)
  if (needed === 0 || wanted === undefined || !('approvals' in wanted)) return null
  const { roles, signers } = before
  const held = state?.aliases[alias]
  const authors = seal?.authors ?? []
  const { approved } = judgeApprovals({
    registry: rules.registry,
    tenant,
    alias,
    from: held?.digest ?? null,
    digest: to.digest,
    seq: changeSeq(state, alias),
    approvals: wanted.approvals.get(`${alias}/${digest12(to.digest)}`) ?? [],
    signers,
    roles,
    authors,
    needed,
    at: now,
  })
  const may = roles.principals
    .map(({ id }) => id)
    .filter((id) => roles.roles.some((role) => mayApprove(role, id, { tenant, alias })))
    .filter((id) => !authors.includes(id) && !approved.includes(id))
  return { needed, approved, missing: Math.max(0, needed - approved.length), may }
}

function ofOwners({ state }: LedgerHead): ApprovalsNeeded {
  const needed = ownersNeeded(state.registry.rules.changes.governance)
  const owners = state.roles.roles.filter((role) => role.owner === true).flatMap(({ members }) => members)
  return { needed, approved: [], missing: needed, may: [...new Set(owners)].sort() }
}

/** Names of the tenants that hold this digest as current, in force. */
export function tenantsRunning({ state }: LedgerHead, digest: string): string[] {
  const running = [...state.tenants.values()].filter(({ aliases }) => aliases.current?.digest === digest)
  return running.map(({ tenant }) => tenant).sort()
}
