import { areDefaults, valuesDigest } from '../../runtime/tenants/values-digest.ts'
import { judgeOwners, ownersNeeded, tenantStatement } from '../../runtime/trust/owner-approvals.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import { digest12 } from '../../schemas/names.ts'
import type { ValuesProblem } from '../gates/values.ts'
import type { NextState } from './next-state.ts'
import { isSame, narrowsKeys, settingsDigest, settingsOf, type Settings } from './settings.ts'
import { problemsOfChange } from './plan-values.ts'
import { allowed, record, recordUndecided, refused, refusedByFindings, type Verdicts } from './verdicts.ts'
import { isReadable, type Parsed, type WantedBundle, type WantedTenant } from './wanted.ts'

/** A tenant that `main` no longer has goes when it is suspended on `live`, and not before. */
export function planRemoval(tenant: TenantState, next: NextState, verdicts: Verdicts): void {
  const subject = `tenants/${tenant.tenant}`
  if (tenant.status === 'suspended') {
    next.tenants.set(tenant.tenant, null)
    record(verdicts, allowed(subject, 'CHANGED', { kind: 'change', message: 'removed' }))
    return
  }
  const message = `${tenant.tenant} is active, and main no longer has it; it keeps running as it is.`
  record(verdicts, refused(subject, 'TENANT_ACTIVE', message))
}

/** Everything of a tenant but its aliases. What needs no approval acts at once; what lacks its approval stays as it is. */
export function planTenant(
  wanted: WantedTenant,
  bundles: ReadonlyMap<string, WantedBundle>,
  next: NextState,
  verdicts: Verdicts,
): void {
  const subject = `tenants/${wanted.name}`
  const before = next.before.tenants.get(wanted.name) ?? null
  refuseMalformed(wanted, verdicts)
  if (!isReadable(wanted.values)) next.valuesHeld.set(wanted.name, problemsIn(wanted.values.findings))
  const asked = askedSettings(wanted, before)
  if (asked === null) return
  const inForce = before === null ? null : settingsOf(before)
  if (inForce !== null && isSame(inForce, asked)) return

  const approved = ownersOf(wanted, asked, before, next)
  const { granted, held } = grant(inForce, asked, approved.length, next)
  const { aliases = {}, emptied } = before ?? {}
  const kept = { aliases, ...(emptied === undefined ? {} : { emptied }) }
  const values = planValues({ wanted, asked: { ...granted, ...kept }, before, bundles }, next, verdicts)
  granted.values = values ?? inForce?.values ?? {}
  if (inForce === null || !isSame(inForce, granted)) {
    next.tenants.set(wanted.name, { ...granted, seq: next.seq, ...kept })
    const people = { authors: [], approvers: approved }
    const isNew = !isSame(inForce?.values ?? {}, granted.values) && !areDefaults(granted.values)
    const named = isNew ? { values: valuesDigest(granted.values) } : {}
    const message = held.length === 0 ? '' : `without ${held.join(' and ')}, which an owner must approve`
    record(verdicts, allowed(subject, 'CHANGED', { kind: 'change', people, message, ...named }))
  } else if (held.length > 0) record(verdicts, unapproved(subject, held))
}

type ValuesChange = {
  wanted: WantedTenant
  /** The tenant with the values that it asks for. */
  asked: TenantState
  before: TenantState | null
  bundles: ReadonlyMap<string, WantedBundle>
}

/** Values act when they fit every bundle that would serve the tenant with them; null where they do not, or not yet. */
function planValues({ wanted, asked, before, bundles }: ValuesChange, next: NextState, verdicts: Verdicts) {
  if (isSame(before?.values ?? {}, asked.values)) return asked.values
  const subject = `tenants/${wanted.name}/values.yaml`
  const problems = problemsOfChange(wanted, asked, bundles, next)
  if (problems?.length === 0) return asked.values
  next.valuesHeld.set(wanted.name, problems)
  const [first] = problems ?? []
  if (first === undefined) recordUndecided(verdicts, subject)
  else {
    const message = `${(problems ?? []).map((problem) => problem.message).join(' ')} What is in force stays.`
    record(verdicts, refused(subject, first.code, message, { values: valuesDigest(asked.values) }))
  }
  return null
}

const problemsIn = (findings: readonly Finding[]): ValuesProblem[] =>
  findings.map(({ code, message }) => ({ code, pointer: [], message }))

function refuseMalformed({ name, settings, keys, values }: WantedTenant, verdicts: Verdicts): void {
  const files: [string, Parsed<unknown>][] = [
    [`tenants/${name}`, settings],
    [`tenants/${name}/keys.yaml`, keys],
    [`tenants/${name}/values.yaml`, values],
  ]
  for (const [subject, parsed] of files)
    if (!isReadable(parsed)) record(verdicts, refusedByFindings(subject, parsed.findings))
}

/** What `main` asks for; of a malformed file, what is in force. Null for a new tenant that cannot be read. */
export function askedSettings(
  { name, settings, keys, values }: WantedTenant,
  before: TenantState | null,
): Settings | null {
  const base = isReadable(settings) ? settings.value : before
  if (base === null) return null
  const { status, labels, limits, quota, shadow, max_staleness } = base
  return {
    tenant: name,
    status,
    labels,
    limits,
    quota,
    max_staleness,
    ...(shadow && { shadow }),
    keys: isReadable(keys) ? keys.value : (before?.keys ?? []),
    values: isReadable(values) ? values.value : (before?.values ?? {}),
  }
}

/** Of what is asked for, the part that acts now, and the names of what waits for owners. */
function grant(before: Settings | null, asked: Settings, approvals: number, next: NextState) {
  const { changes } = next.before.registry.rules
  const granted = { ...asked }
  const held: string[] = []
  const lacks = (rule: typeof changes.keys) => approvals < ownersNeeded(rule)
  const keysBefore = before?.keys ?? []
  if (!isSame(keysBefore, asked.keys) && !narrowsKeys(keysBefore, asked.keys) && lacks(changes.keys)) {
    granted.keys = keysBefore
    held.push('keys')
  }
  const limitsBefore = before === null ? { limits: {}, quota: {} } : { limits: before.limits, quota: before.quota }
  if (!isSame(limitsBefore, { limits: asked.limits, quota: asked.quota }) && lacks(changes.limits)) {
    Object.assign(granted, limitsBefore)
    held.push('limits')
  }
  if (before?.status === 'suspended' && asked.status === 'active' && lacks(changes.unsuspend)) {
    granted.status = 'suspended'
    held.push('the end of the suspension')
  }
  return { granted, held }
}

/** Owners who signed exactly this change of this tenant. */
function ownersOf(wanted: WantedTenant, asked: Settings, before: TenantState | null, next: NextState): string[] {
  const { signers, roles, registry } = next.before
  const to = settingsDigest(asked)
  const found = wanted.approvals.get(`tenant/${digest12(to)}`) ?? []
  const statement = tenantStatement({
    registry: registry.rules.registry,
    tenant: wanted.name,
    from: before === null ? 'none' : settingsDigest(settingsOf(before)),
    to,
    seq: before?.seq ?? 0,
  })
  const { approved } = judgeOwners({ statement, approvals: found, signers, roles, at: next.now })
  return approved.map(({ principal }) => principal)
}

function unapproved(subject: string, held: readonly string[]): Decision {
  const message = `A change of ${held.join(' and ')} needs the approval of an owner; what is in force stays.`
  return refused(subject, 'GOVERNANCE_NOT_APPROVED', message)
}
