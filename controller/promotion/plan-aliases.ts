import { areDefaults, valuesDigest } from '../../runtime/tenants/values-digest.ts'
import { popped, pushed } from '../../runtime/trust/alias-stack.ts'
import { tagRefOf } from '../../runtime/trust/bundle-tag.ts'
import { nothingCompared } from '../gates/shadow.ts'
import { judgeAlias, type AliasJudgement } from '../gates/alias-gates.ts'
import type { BundleRef, Decision } from '../../schemas/ledger/entry.ts'
import type { AliasState, SealRecord, TenantState } from '../../schemas/ledger/state.ts'
import { digest12, type AliasName } from '../../schemas/names.ts'
import type { Alias } from '../../schemas/registry/alias.ts'
import { holds } from './holds.ts'
import { sealOf, tenantOf, type NextState } from './next-state.ts'
import { judgedValues } from './judged-values.ts'
import { allowed, record, recordUndecided, refused, refusedByFindings, type Verdicts } from './verdicts.ts'
import { isReadable, type SignatureFile, type WantedBundle, type WantedTenant } from './wanted.ts'

/** One alias of one tenant, after everything that comes before it in the entry. */
export function planAlias(
  wanted: WantedTenant,
  alias: AliasName,
  bundles: ReadonlyMap<string, WantedBundle>,
  next: NextState,
  verdicts: Verdicts,
): void {
  const subject = `${wanted.name}/${alias}`
  const tenant = tenantOf(next, wanted.name)
  const held = tenant?.aliases[alias] ?? null
  const parsed = wanted.aliases[alias]
  if (parsed === undefined) {
    if (tenant !== null && held !== null) planClearing(tenant, alias, held, next, verdicts)
  } else if (!isReadable(parsed)) record(verdicts, refusedByFindings(subject, parsed.findings))
  else if (tenant === null) {
    const message = `The alias waits for tenants/${wanted.name}/tenant.yaml, which is not in force.`
    record(verdicts, refused(subject, 'TENANT_UNKNOWN', message))
  } else if (held === null || !holds(held, parsed.value)) {
    planMove({ wanted, tenant, alias, held, file: parsed.value, bundles }, next, verdicts)
  }
}

type Move = {
  wanted: WantedTenant
  tenant: TenantState
  alias: AliasName
  held: AliasState | null
  file: Alias
  bundles: ReadonlyMap<string, WantedBundle>
}

function planMove({ wanted, tenant, alias, held, file, bundles }: Move, next: NextState, verdicts: Verdicts): void {
  const subject = `${wanted.name}/${alias}`
  const seal = sealOf(next, file.bundle, file.version)
  const sealVerdict = verdictOf(bundles.get(file.bundle), file.version)
  if (seal === null && sealVerdict === 'pending') {
    recordUndecided(verdicts, subject)
    return
  }
  const { signers, roles, registry } = next.before
  const { comparisons } = next
  const rule = alias === 'draft' ? undefined : registry.rules.promotion[alias].shadow
  if (rule !== undefined && comparisons === null) {
    recordUndecided(verdicts, subject)
    return
  }
  const digest = file.digest ?? seal?.digest
  const approvals = digest === undefined ? [] : (wanted.approvals.get(`${alias}/${digest12(digest)}`) ?? [])
  const judged = judgeAlias({
    registry: registry.rules.registry,
    tenant: wanted.name,
    alias,
    rules: registry.rules,
    signers,
    roles,
    revoked: next.revoked,
    state: tenant,
    wanted: file,
    seal,
    sealVerdict,
    approvals,
    comparisons: comparisons ?? nothingCompared,
    values: problemsOf(tenant, alias, seal, next),
    seq: next.seq,
    now: next.now,
  })
  const approvers = judged.approvals.map(({ principal }) => principal)
  const said = {
    kind: judged.kind,
    message: judged.message,
    not_before: judged.not_before,
    from: held === null ? null : refOf(held),
    to: digest === undefined ? null : { bundle: file.bundle, version: file.version, digest },
    people: { authors: seal?.authors ?? [], approvers },
    report: seal?.report ?? null,
    ...(alias !== 'draft' && !areDefaults(tenant.values) && { values: valuesDigest(tenant.values) }),
  }
  const from = alias === 'draft' ? undefined : registry.rules.promotion[alias].from
  if (isPending(judged, `${wanted.name}/${from ?? ''}`, verdicts)) {
    recordUndecided(verdicts, subject)
    return
  }
  if (judged.decision !== 'allow' || seal === null) {
    record(verdicts, {
      ...refused(subject, judged.reason_code, judged.message, said),
      decision: denial(judged.decision),
    })
    return
  }
  const state = moved(held, seal, judged, next)
  const { [alias]: _filled, ...emptied } = tenant.emptied ?? {}
  const aliases = { ...tenant.aliases, [alias]: state }
  next.tenants.set(wanted.name, withEmptied({ ...tenant, aliases }, emptied))
  keepSets(state, approvals, next)
  record(verdicts, allowed(subject, judged.reason_code, said))
}

/** `live` keeps the lines of a set once, however many tenants name it. */
function keepSets({ approvals }: AliasState, found: readonly SignatureFile[], { before, sets }: NextState): void {
  for (const { set: sum } of approvals) {
    const text = found.find(({ set }) => set?.sum === sum)?.set?.text
    if (sum !== undefined && text !== undefined && !before.sets.has(sum)) sets.set(sum, text)
  }
}

/** What is wrong with the values that the tenant wants, in the bundle that the alias would serve. */
function problemsOf(tenant: TenantState, alias: AliasName, seal: SealRecord | null, next: NextState) {
  if (alias === 'draft' || seal === null) return []
  const held = next.valuesHeld.get(tenant.tenant)
  return held === undefined ? judgedValues(next, seal, tenant.values) : held
}

/** Evidence is pending for the change itself, or for that of the alias that it comes from. */
function isPending({ decision, reason_code }: AliasJudgement, from: string, { open }: Verdicts): boolean {
  if (decision === 'wait') return reason_code === 'EVIDENCE_PENDING'
  return reason_code === 'NOT_CANDIDATE' && open.get(from) === null
}

const denial = (decision: Decision['decision']) => (decision === 'wait' ? 'wait' : 'deny')

/** Levels kept at most; the oldest are forgotten, and going back to them is a promotion. */
const MAX_LEVELS = 32

function moved(
  held: AliasState | null,
  seal: SealRecord,
  { level, approvals }: AliasJudgement,
  { seq, now }: NextState,
): AliasState {
  const { bundle, version, digest, bundle_id } = seal
  const since = now.toISOString()
  const below = held?.stack ?? []
  const stack = level === null ? pushed(below, { ref: seal, seq, since }) : popped(below, level)
  const tag = tagRefOf(bundle, version)
  return {
    bundle,
    version,
    bundle_id,
    digest,
    tag,
    seal: seal.seal,
    seq,
    since,
    from: held?.digest ?? null,
    approvals,
    stack: stack.slice(-MAX_LEVELS),
  }
}

/** The file is gone: a draft or candidate is emptied; an active tenant is never left without its `current`. */
function planClearing(
  tenant: TenantState,
  alias: AliasName,
  held: AliasState,
  next: NextState,
  verdicts: Verdicts,
): void {
  const subject = `${tenant.tenant}/${alias}`
  const from = refOf(held)
  if (alias === 'current' && tenant.status === 'active') {
    const message = `${tenant.tenant} is active, and main no longer says what is current; it keeps running ${held.bundle} ${held.version}.`
    record(verdicts, refused(subject, 'TENANT_ACTIVE', message, { from }))
    return
  }
  const { [alias]: _cleared, ...aliases } = tenant.aliases
  const emptied = { ...tenant.emptied, [alias]: next.seq }
  next.tenants.set(tenant.tenant, withEmptied({ ...tenant, aliases }, emptied))
  record(verdicts, allowed(subject, 'CHANGED', { kind: 'change', from, message: 'emptied' }))
}

function withEmptied({ emptied: _before, ...tenant }: TenantState, emptied: TenantState['emptied'] = {}): TenantState {
  return Object.keys(emptied).length === 0 ? tenant : { ...tenant, emptied }
}

function verdictOf(bundle: WantedBundle | undefined, version: string): 'pending' | 'refused' | 'none' {
  switch (bundle?.kind) {
    case 'pending':
      return bundle.version === null || bundle.version === version ? 'pending' : 'none'
    case 'refused':
      return bundle.version === version || bundle.version === '' ? 'refused' : 'none'
    case 'passed':
      if (bundle.seal.version !== version) return 'none'
      return bundle.tag === 'conflict' ? 'refused' : 'pending'
    case 'unreadable':
      return 'refused'
    default:
      return 'none'
  }
}

const refOf = ({ bundle, version, digest }: AliasState): BundleRef => ({ bundle, version, digest })
