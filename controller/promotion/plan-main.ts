import { judgeOwners, mainStatement, ownersNeeded } from '../../runtime/trust/owner-approvals.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import type { Finding } from '../../schemas/finding.ts'
import { whyUnsigned, type CommitSigner } from './main-signatures.ts'
import { allowed, record, refused, refusedByFindings, type Verdicts } from './verdicts.ts'
import type { SignatureFile } from './wanted.ts'

/** How the tip of `main` stands to the commit that was last judged. */
export type MainLine =
  /** `covers`: first-parent commits between the two, oldest first. */
  | { kind: 'descends'; tip: string; covers: readonly string[]; signed?: SignedLine }
  /** `acceptances`: owners' signature files at the tip, for commits that the tip descends from. */
  | { kind: 'rewritten'; tip: string | null; acceptances: readonly Acceptance[] }
  /** The tip, its tree or a commit on the way to it is damaged. */
  | { kind: 'unreadable'; findings: readonly Finding[] }

/** Who signed what is new on the first-parent line; read only where the rules ask for it. */
export type SignedLine = {
  /** The newest first, the tip too. */
  signers: readonly CommitSigner[]
  /** False where there are more commits than one entry can pass over. */
  isWhole: boolean
  acceptances: readonly Acceptance[]
}

export type Acceptance = { commit: string; approvals: readonly SignatureFile[] }

/**
 * The commit of `main` to be judged; null where `main` cannot be read, was rewritten, or lacks signatures that the rules
 * ask for, and no owner accepted it. That halts everything but the heartbeat.
 */
export function planMain(
  main: MainLine,
  judged: string,
  state: LedgerState,
  now: Date,
  verdicts: Verdicts,
): string | null {
  if (main.kind === 'descends') return planSigned(main, judged, state, now, verdicts)
  if (main.kind === 'unreadable') {
    record(verdicts, refusedByFindings('main', main.findings))
    return null
  }
  const accepted = main.tip === null ? null : acceptedBy(main.acceptances, judged, state, now)
  if (main.tip !== null && accepted !== null) {
    recordAccepted(main.tip, accepted, verdicts)
    return main.tip
  }
  const found = main.tip === null ? 'there is no main' : `main is at ${main.tip}, which does not descend from it`
  const message = `${judged} was judged last, and ${found}. Nothing is promoted until main is restored or an owner accepts it.`
  record(verdicts, { ...refused('main', 'MAIN_REWRITTEN', message), decision: 'wait' })
  return null
}

/** Every commit must be signed that no owner accepted: one unsigned commit is not made good by a signed one on top. */
function planSigned(
  { tip, signed }: MainLine & { kind: 'descends' },
  judged: string,
  state: LedgerState,
  now: Date,
  verdicts: Verdicts,
): string | null {
  if (state.registry.rules.main?.signatures !== 'required') return tip
  const signers = signed?.signers ?? []
  const problems = signers.map((signer) => whyUnsigned(signer, state, now))
  const oldest = problems.findLast((problem) => problem !== null)
  if (signed?.isWhole === true && oldest === undefined) return tip
  const onLine = (signed?.acceptances ?? []).filter(({ commit }) => {
    const at = signers.findIndex((signer) => signer.commit === commit)
    return at >= 0 && problems.slice(0, at).every((problem) => problem === null)
  })
  const accepted = acceptedBy(onLine, judged, state, now)
  if (accepted !== null) {
    recordAccepted(tip, accepted, verdicts)
    return tip
  }
  const why = oldest ?? `main has more new commits than can be looked at at once`
  const message = `main at ${tip} is no source of promotions: ${why}. Nothing is promoted until an owner accepts it.`
  record(verdicts, refused('main', 'MAIN_UNSIGNED', message))
  return null
}

function recordAccepted(tip: string, approvers: string[], verdicts: Verdicts): void {
  const people = { authors: [], approvers }
  record(verdicts, allowed('main', 'CHANGED', { kind: 'change', people, message: `goes on from ${tip}` }))
}

/** The owners of the first acceptance that enough of them signed; null where there is none. */
function acceptedBy(acceptances: readonly Acceptance[], judged: string, state: LedgerState, at: Date): string[] | null {
  const { rules } = state.registry
  const needed = Math.max(1, ownersNeeded(rules.changes.governance))
  for (const { commit, approvals } of acceptances) {
    const statement = mainStatement({ registry: rules.registry, from: judged, to: commit })
    const { approved } = judgeOwners({ statement, approvals, signers: state.signers, roles: state.roles, at })
    if (approved.length >= needed) return approved.map(({ principal }) => principal)
  }
  return null
}
