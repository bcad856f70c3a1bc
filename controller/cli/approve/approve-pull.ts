import { approvalSetOf, setStatement, type SetMember } from '../../../runtime/trust/approval-set.ts'
import { approvalStatement } from '../../../runtime/trust/approvals.ts'
import { changeSeq } from '../../../runtime/trust/change-seq.ts'
import { Fault } from '../../../schemas/fault.ts'
import { digest12, type AliasName } from '../../../schemas/names.ts'
import type { LedgerHead } from '../../promotion/head.ts'
import { SETS_FOLDER } from '../../promotion/read-sets.ts'
import { tellable } from '../../promotion/tellable.ts'
import { filesOfMerge, mergePull } from '../../pulls/merge-pull.ts'
import { signApproval } from './approval-signature.ts'
import { approvalBranch, commitApproval, fetched } from './approval-branch.ts'
import { openAuthorGates } from '../judge/author-gates.ts'
import { checkMerged } from '../judge/check-clone.ts'
import type { ApprovalsNeeded, CheckResult } from '../judge/check-result.ts'
import type { Clone } from '../clone/clone.ts'
import type { Call } from '../command.ts'
import { formatPretty } from '../formats/pretty.ts'
import { ledgerOfClone } from '../clone/ledger-of-clone.ts'
import { behaviourOfMerge } from '../judge/merge-behaviour.ts'
import { aliasOf } from '../judge/merge-preview.ts'
import { overlayObjects } from '../clone/overlay-objects.ts'

/** One alias that the merge moves and that people have to approve. */
type Move = SetMember & { alias: AliasName; digest: string; what: string; needed: ApprovalsNeeded }

/**
 * Shows what the merge of a pull request would do, as it stands at origin now, signs every promotion that lacks an
 * approval, and pushes the signatures on a branch that begins at `main`: a fork has no branch that an approver could
 * push to, and what is approved is the digest, wherever it comes from.
 */
export async function approvePull(call: Call, clone: Clone, number: number): Promise<number> {
  const head = await fetchHead(clone, number)
  const main = await fetched(clone, 'refs/heads/main', 'refs/remotes/origin/main')
  if (main === null) throw new Fault('USAGE', 'origin has no branch main.')
  const ledger = await ledgerOfClone(call, clone)
  const { terminal } = call
  const result = await judge(clone, ledger, { main, head })
  if (!terminal.json) terminal.out(`pull request ${number} at ${head}\n${formatPretty(result, terminal)}`)
  if (result.verdict === 'fail') {
    const first = result.findings.find(({ severity }) => severity === 'error')
    throw new Fault(
      first?.code ?? 'FILE_INVALID',
      `Nothing was signed: the merge would be refused. ${first?.message ?? ''}`,
    )
  }
  const moves = movesOf(result, ledger)
  if (moves.length === 0) throw new Fault('USAGE', `Pull request ${number} promotes nothing that lacks an approval.`)
  if (call.options['show'] === true) return 0
  const { files, principal, statements } = await signAll(call, clone, ledger, moves)
  const branch = approvalBranch(`pr-${number}`, principal)
  const what = moves.map((move) => move.what).join(', ')
  const push = call.options['push'] !== false
  const message = `approve ${what} as ${principal}\n\nPull request ${number} at ${head}.`
  const commit = await commitApproval(clone, { branch, start: main, files, message, push })
  const paths = [...files.keys()]
  if (terminal.json) terminal.out(JSON.stringify({ branch, commit, head, principal, paths, statements, pushed: push }))
  else {
    const lines = statements.map((each) => `${terminal.style('green', '✔')} approved as ${principal}: ${each.trim()}`)
    const next = push
      ? `pushed as ${branch}; merge it to main before or after the pull request`
      : `committed on ${branch}`
    terminal.out([...lines, `  ${next}: ${paths.join(', ')}`].join('\n'))
  }
  return 0
}

/** GitHub and Gitea, or GitLab. */
async function fetchHead(clone: Clone, number: number): Promise<string> {
  const into = `refs/contractor/pulls/${number}`
  const head =
    (await fetched(clone, `refs/pull/${number}/head`, into)) ??
    (await fetched(clone, `refs/merge-requests/${number}/head`, into))
  if (head !== null) return head
  throw new Fault('USAGE', `origin has no pull request ${number}: neither refs/pull nor refs/merge-requests names it.`)
}

async function judge(clone: Clone, head: LedgerHead, pull: { main: string; head: string }): Promise<CheckResult> {
  const now = new Date()
  // Objects of the fetch are new to a repository that was opened before it.
  await clone.repository.refresh()
  const merged = await mergePull(overlayObjects(clone.repository), { ...pull, now })
  if (merged === null) throw new Fault('USAGE', 'main has all of this pull request already.')
  const gates = openAuthorGates(clone, 'sandbox')
  const { seals } = head.state
  try {
    const deps = { gates, ledger: { head, seals }, now: () => now }
    const { result, judged } = await checkMerged(deps, merged, await filesOfMerge(merged), [])
    result.behaviour.push(...(await behaviourOfMerge(merged.objects, seals, judged, result.merge)))
    return withoutControls(result)
  } finally {
    await gates.stop()
  }
}

const MAX_CHARS = 4_000

/** Words of strangers must not move the cursor of the one who reads them before signing. */
function withoutControls(result: CheckResult): CheckResult {
  const shown = (_key: string, value: unknown) => (typeof value === 'string' ? tellable(value, MAX_CHARS) : value)
  return JSON.parse(JSON.stringify(result), shown) as CheckResult
}

function movesOf({ merge }: CheckResult, { state }: LedgerHead): Move[] {
  return (merge?.decisions ?? []).flatMap(({ subject, to, approvals: needed }) => {
    const about = aliasOf(subject)
    if (about === null || to === null || needed === null || needed.missing === 0) return []
    const { tenant, alias } = about
    const known = state.tenants.get(tenant)
    const from = known?.aliases[alias]?.digest ?? null
    const what = `${subject} ${to.bundle} ${to.version}`
    return [{ tenant, alias, from, seq: changeSeq(known, alias), digest: to.digest, what, needed }]
  })
}

type Signed = { files: Map<string, string>; principal: string; statements: string[] }

/** One signature for each digest and alias, however many tenants it is for. */
async function signAll(call: Call, clone: Clone, { state }: LedgerHead, moves: readonly Move[]): Promise<Signed> {
  const { registry } = state.registry.rules
  const groups = new Map<string, Move[]>()
  for (const move of moves) {
    const key = `${move.alias} ${move.digest}`
    groups.set(key, [...(groups.get(key) ?? []), move])
  }
  const signed: Signed = { files: new Map(), principal: '', statements: [] }
  for (const group of groups.values()) {
    const [move] = group
    if (move === undefined) continue
    const { alias, digest, tenant, from, seq } = move
    const set = group.length === 1 ? null : approvalSetOf(group)
    const statement =
      set === null
        ? approvalStatement({ registry, tenant, alias, from, digest, seq })
        : setStatement({ registry, alias, digest }, set)
    const { signature, principal } = await signApproval(call, clone, state, statement)
    for (const each of group) assertMay(principal, each)
    const folder = set === null ? `tenants/${tenant}/approvals/${alias}` : `${SETS_FOLDER}/${alias}`
    signed.files.set(`${folder}/${digest12(digest)}.${principal}.sig`, signature)
    if (set !== null) signed.files.set(`${folder}/${digest12(digest)}.${principal}.members`, set.text)
    signed.principal = principal
    signed.statements.push(statement)
  }
  return signed
}

function assertMay(principal: string, { what, needed }: Move): void {
  if (needed.may.includes(principal)) return
  if (needed.approved.includes(principal)) throw new Fault('USAGE', `${principal} has approved ${what} already.`)
  const who = needed.may.join(', ') || 'nobody'
  throw new Fault('ROLE_MISSING', `${principal} has no role to approve ${what}, or wrote it. These may: ${who}.`)
}
