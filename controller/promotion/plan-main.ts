import { judgeOwners, mainStatement, ownersNeeded } from '../../runtime/trust/owner-approvals.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import type { Finding } from '../../schemas/finding.ts'
import { allowed, record, refused, refusedByFindings, type Verdicts } from './verdicts.ts'
import type { SignatureFile } from './wanted.ts'

/** How the tip of `main` stands to the commit that was last judged. */
export type MainLine =
  /** `covers`: first-parent commits between the two, oldest first. */
  | { kind: 'descends'; tip: string; covers: readonly string[] }
  /** `acceptances`: owners' signature files at the tip, for commits that the tip descends from. */
  | { kind: 'rewritten'; tip: string | null; acceptances: readonly Acceptance[] }
  /** The tip, its tree or a commit on the way to it is damaged. */
  | { kind: 'unreadable'; findings: readonly Finding[] }

export type Acceptance = { commit: string; approvals: readonly SignatureFile[] }

/**
 * The commit of `main` to be judged; null where `main` cannot be read, or was rewritten and no owner accepted it, which
 * halts everything but the heartbeat.
 */
export function planMain(
  main: MainLine,
  judged: string,
  state: LedgerState,
  now: Date,
  verdicts: Verdicts,
): string | null {
  if (main.kind === 'descends') return main.tip
  if (main.kind === 'unreadable') {
    record(verdicts, refusedByFindings('main', main.findings))
    return null
  }
  const approvers = main.tip === null ? [] : acceptedBy(main.acceptances, judged, state, now)
  if (main.tip !== null && approvers.length > 0) {
    const people = { authors: [], approvers }
    record(verdicts, allowed('main', 'CHANGED', { kind: 'change', people, message: `goes on from ${main.tip}` }))
    return main.tip
  }
  const found = main.tip === null ? 'there is no main' : `main is at ${main.tip}, which does not descend from it`
  const message = `${judged} was judged last, and ${found}. Nothing is promoted until main is restored or an owner accepts it.`
  record(verdicts, { ...refused('main', 'MAIN_REWRITTEN', message), decision: 'wait' })
  return null
}

/** The owners of the first acceptance that enough of them signed. */
function acceptedBy(acceptances: readonly Acceptance[], judged: string, state: LedgerState, at: Date): string[] {
  const { rules } = state.registry
  const needed = Math.max(1, ownersNeeded(rules.changes.governance))
  for (const { commit, approvals } of acceptances) {
    const statement = mainStatement({ registry: rules.registry, from: judged, to: commit })
    const { approved } = judgeOwners({ statement, approvals, signers: state.signers, roles: state.roles, at })
    if (approved.length >= needed) return approved.map(({ principal }) => principal)
  }
  return []
}
