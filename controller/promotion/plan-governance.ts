import {
  governanceOwnersNeeded,
  governanceStatement,
  judgeOwners,
  type OwnersJudged,
} from '../../runtime/trust/owner-approvals.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Revocation } from '../../schemas/registry/governance.ts'
import { digest12 } from '../../schemas/names.ts'
import {
  governanceDigest,
  governanceInForce,
  isRequiredFile,
  livePath,
  REGISTRY_FILE,
  REVOKED_FILE,
  ROLES_FILE,
  SIGNERS_FILE,
} from './governance-files.ts'
import type { NextState } from './next-state.ts'
import { allowed, record, refused, refusedByFindings, type Verdicts } from './verdicts.ts'
import { isReadable, type Parsed, type WantedGovernance } from './wanted.ts'

/**
 * Governance is one change: signers, roles and rules belong together, and owners sign the digest of all of them. Only
 * a new revocation goes ahead of the rest, because it acts at once and takes nothing from anyone (ADR 0018).
 */
export function planGovernance(wanted: WantedGovernance, next: NextState, verdicts: Verdicts): void {
  const inForce = governanceInForce(next.before.governance)
  const paths = [...new Set([...inForce.keys(), ...wanted.texts.keys()])].sort()
  const changed = paths.filter((path) => inForce.get(path) !== wanted.texts.get(path))
  const added = newRevocations(wanted, next)
  if (added.length > 0) next.revoked = [...next.revoked, ...added]
  if (changed.length === 0) return

  const problems = new Map([...malformed(wanted, next)].filter(([path]) => changed.includes(path)))
  const judged = judgeOwners({
    statement: changeStatement(wanted, next, inForce),
    approvals: wanted.approvals.get(digest12(wanted.digest)) ?? [],
    signers: next.before.signers,
    roles: next.before.roles,
    at: next.now,
  })
  const needed = governanceOwnersNeeded(next.before.registry.rules.changes, {
    isMoreThanRevoked: changed.some((path) => path !== REVOKED_FILE),
    takesBack: takenBack(wanted, next).length > 0,
  })
  if (problems.size === 0 && judged.approved.length >= needed) {
    putInForce(wanted, changed, judged, next, verdicts)
    // What owners took back may be promoted in the same entry, as each step sees the result of the one before.
    if (isReadable(wanted.revoked)) next.revoked = wanted.revoked.value
    return
  }
  for (const path of changed) {
    const findings = problems.get(path)
    if (findings !== undefined) record(verdicts, refusedByFindings(path, findings))
    else if (path === REVOKED_FILE && added.length > 0) revokeAtOnce(wanted, added, inForce, next, verdicts)
    else record(verdicts, unapproved(path, [...problems.keys()], needed, judged))
  }
}

function putInForce(
  { texts, registry }: WantedGovernance,
  changed: readonly string[],
  { approved }: OwnersJudged,
  next: NextState,
  verdicts: Verdicts,
): void {
  const people = { authors: [], approvers: approved.map(({ principal }) => principal) }
  for (const path of changed) {
    next.governance.set(livePath(path), texts.get(path) ?? null)
    record(verdicts, allowed(path, 'CHANGED', { kind: 'change', people }))
  }
  next.registry = {
    ...next.registry,
    rules: isReadable(registry) ? registry.value : next.registry.rules,
    governance: { digest: governanceDigest(texts), seq: next.seq, approvals: approved },
  }
}

/** Puts the new revocations in force, and keeps those that the file would take back without the owners. */
function revokeAtOnce(
  wanted: WantedGovernance,
  added: readonly Revocation[],
  inForce: ReadonlyMap<string, string>,
  next: NextState,
  verdicts: Verdicts,
): void {
  const removed = takenBack(wanted, next).length > 0
  const text = removed ? revokedYaml(next.revoked) : (wanted.texts.get(REVOKED_FILE) ?? '')
  const texts = new Map([...inForce, [REVOKED_FILE, text]])
  next.governance.set(REVOKED_FILE, text)
  next.registry = { ...next.registry, governance: { digest: governanceDigest(texts), seq: next.seq, approvals: [] } }
  const message = `revoked at once: ${added.map(({ digest }) => digest).join(', ')}`
  record(verdicts, allowed(REVOKED_FILE, 'CHANGED', { kind: 'change', message }))
}

/** Plain YAML that says the same as the file format of `governance/revoked.yaml`. */
function revokedYaml(revoked: readonly Revocation[]): string {
  const lines = revoked.map(
    ({ digest, reason, at }) =>
      `  - digest: ${digest}\n    reason: ${JSON.stringify(reason)}\n    at: ${JSON.stringify(at)}\n`,
  )
  return `revoked:\n${lines.join('')}`
}

function newRevocations({ revoked }: WantedGovernance, { before }: NextState): Revocation[] {
  if (!isReadable(revoked)) return []
  const known = new Set(before.revoked.map(({ digest }) => digest))
  return revoked.value.filter(({ digest }) => !known.has(digest))
}

function takenBack({ revoked }: WantedGovernance, { before }: NextState): Revocation[] {
  if (!isReadable(revoked)) return []
  const kept = new Set(revoked.value.map(({ digest }) => digest))
  return before.revoked.filter(({ digest }) => !kept.has(digest))
}

function changeStatement(wanted: WantedGovernance, { before }: NextState, inForce: ReadonlyMap<string, string>) {
  const { rules, governance } = before.registry
  const from = governance?.digest ?? governanceDigest(inForce)
  return governanceStatement({ registry: rules.registry, from, to: wanted.digest, seq: governance?.seq ?? 0 })
}

function unapproved(path: string, problems: readonly string[], needed: number, { approved, ignored }: OwnersJudged) {
  const waits = problems.length === 0 ? '' : ` It waits for ${problems.join(', ')}, which cannot be read.`
  const counted = `needs the approval of ${needed} owner(s) and has ${approved.length}.`
  const why = ignored.map((reason) => ` ${reason}.`).join('')
  return refused(path, 'GOVERNANCE_NOT_APPROVED', `The change of governance ${counted}${waits}${why}`)
}

/** Findings by file, for the files of governance that cannot take effect. */
function malformed(wanted: WantedGovernance, { before }: NextState): Map<string, readonly Finding[]> {
  const problems = new Map<string, Finding[]>()
  const add = (path: string, findings: readonly Finding[]) =>
    problems.set(path, [...(problems.get(path) ?? []), ...findings])
  const files: [string, Parsed<unknown>][] = [
    [REGISTRY_FILE, wanted.registry],
    [SIGNERS_FILE, wanted.signers],
    [ROLES_FILE, wanted.roles],
    [REVOKED_FILE, wanted.revoked],
  ]
  for (const [path, parsed] of files) if (!isReadable(parsed)) add(path, parsed.findings)
  for (const finding of wanted.policies) add(finding.path, [finding])
  const { rules } = before.registry
  if (isReadable(wanted.registry) && wanted.registry.value.registry !== rules.registry)
    add(REGISTRY_FILE, [identityFinding(rules.registry)])
  for (const path of governanceInForce(before.governance).keys())
    if (isRequiredFile(path) && !wanted.texts.has(path) && !problems.has(path)) add(path, [absentFinding(path)])
  return problems
}

const place = { gate: 'registry', code: 'FILE_INVALID', severity: 'error', line: 1, column: 1 } as const

const identityFinding = (id: string): Finding => ({
  ...place,
  path: REGISTRY_FILE,
  message: `the registry is ${id} for ever`,
  hint: 'Restore the id; another registry begins with `contractor init`.',
})

const absentFinding = (path: string): Finding => ({
  ...place,
  path,
  message: 'the file is missing',
  hint: 'Restore the file.',
})
