import { governanceStatement, judgeOwners, mainStatement } from '../../../runtime/trust/owner-approvals.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import { digest12 } from '../../../schemas/names.ts'
import { governanceDigest, governanceInForce } from '../../promotion/governance-files.ts'
import { openMainReader } from '../../promotion/read-main.ts'
import { approvalBranch, commitApproval, fetched } from './approval-branch.ts'
import { signApproval } from './approval-signature.ts'
import type { Clone } from '../clone/clone.ts'
import { optionText, type Call } from '../command.ts'
import { ledgerOfClone } from '../clone/ledger-of-clone.ts'
import { REGISTRY_PATHS } from '../clone/work-tree.ts'

/** What an owner signs, and where the signature is committed (ADR 0018). */
type OwnersChange = { statement: string; name: string; start: string; what: string }

/** Signs the governance that stands at HEAD; the branch of the signature begins there. */
export async function approveGovernance(call: Call, clone: Clone): Promise<number> {
  const { state } = await ledgerOfClone(call, clone)
  const start = await clone.git('rev-parse', 'HEAD')
  const { governance } = await openMainReader(clone.repository).read(start)
  if (governance === null)
    throw new Fault('FILE_INVALID', 'governance/ at HEAD cannot be read; see `contractor check`.')
  const { governance: held, rules } = state.registry
  const from = held?.digest ?? governanceDigest(governanceInForce(state.governance))
  const { digest: to } = governance
  if (from === to) throw new Fault('USAGE', 'The governance at HEAD is in force already; there is nothing to approve.')
  const statement = governanceStatement({ registry: rules.registry, from, to, seq: held?.seq ?? 0 })
  return sign(call, clone, state, { statement, name: digest12(to), start, what: 'governance' })
}

/** Accepts `main` as it stands at origin, or at an ancestor of it: from there on the controller goes on. */
export async function approveMain(call: Call, clone: Clone): Promise<number> {
  const { state, entry } = await ledgerOfClone(call, clone)
  const tip = await fetched(clone, 'refs/heads/main', 'refs/remotes/origin/main')
  if (tip === null) throw new Fault('USAGE', 'origin has no branch main.')
  const { source: from } = entry
  const to = await clone.git('rev-parse', '--verify', `${optionText(call, 'commit') ?? tip}^{commit}`)
  if (from === to) throw new Fault('USAGE', `${to} was judged already; there is nothing to accept.`)
  call.terminal.err(await whatChanges(clone, from, to))
  if (call.options['show'] === true) return 0
  const statement = mainStatement({ registry: state.registry.rules.registry, from, to })
  return sign(call, clone, state, { statement, name: to, start: tip, what: 'main' })
}

async function whatChanges(clone: Clone, from: string, to: string): Promise<string> {
  const known = await clone.git('cat-file', '-t', from).then(
    () => true,
    () => false,
  )
  const head = `judged last: ${from}\nto accept:   ${to}`
  if (!known)
    return `${head}\nThis clone does not have the commit that was judged last, so it cannot show what differs.`
  const [gone, changes] = await Promise.all([
    clone.git('log', '--format=%h %an  %s', '--max-count=50', from, `^${to}`),
    clone.git('diff', '--stat', from, to, '--', ...REGISTRY_PATHS),
  ])
  const left = gone === '' ? 'no commit is left behind' : `commits that are left behind:\n${gone}`
  return `${head}\n${left}\n${changes === '' ? 'the registry holds the same files' : changes}`
}

async function sign(call: Call, clone: Clone, state: LedgerState, change: OwnersChange): Promise<number> {
  const { statement, name, start, what } = change
  const { signature, principal } = await signApproval(call, clone, state, statement)
  const { signers, roles } = state
  const approvals = [{ principal, signature }]
  const { ignored } = judgeOwners({ statement, approvals, signers, roles, at: new Date() })
  if (ignored.length > 0) throw new Fault('ROLE_MISSING', `The approval would not count: ${ignored.join('; ')}.`)
  const path = `governance/approvals/${name}.${principal}.sig`
  const branch = approvalBranch(`${what}-${name.slice(0, 12)}`, principal)
  const push = call.options['push'] !== false
  const message = `approve ${what} ${name.slice(0, 12)} as ${principal}`
  const commit = await commitApproval(clone, { branch, start, files: new Map([[path, signature]]), message, push })
  const { terminal } = call
  if (terminal.json) terminal.out(JSON.stringify({ branch, commit, principal, paths: [path], statement, pushed: push }))
  else
    terminal.out(
      `${terminal.style('green', '✔')} approved as ${principal}: ${statement.trim()}\n  ${push ? 'pushed' : 'committed'} as ${branch}; merge it to main: ${path}`,
    )
  return 0
}
