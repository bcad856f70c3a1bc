import type { CheckResult, PreviewedDecision } from '../cli/judge/check-result.ts'
import { aliasOf } from '../cli/judge/merge-preview.ts'
import type { CommitStatus } from '../forge/commit-status.ts'

/** What a merge of a pull request would do. */
export const MERGE_CONTEXT = 'contractor/merge'

export type PullVerdict = Pick<CommitStatus, 'state' | 'description'>

export const NOTHING_TO_MERGE: PullVerdict = { state: 'success', description: 'Nothing to merge: main has all of it.' }

/** A verdict in one line: what is wrong, or what the merge promotes, changes of behaviour, and who must still approve. Pure. */
export function pullVerdict({ findings, behaviour, merge }: CheckResult): PullVerdict {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first !== undefined) {
    const more = errors.length > 1 ? `${errors.length} errors, first ` : ''
    return { state: 'failure', description: `${more}${first.code} ${first.path}:${first.line}: ${first.message}` }
  }
  const decisions = merge?.decisions ?? []
  const moves = decisions
    .filter(({ subject, to, decision }) => aliasOf(subject) !== null && to !== null && decision !== 'deny')
    .map(moveOf)
  const waits = decisions.flatMap(({ subject, approvals }) =>
    approvals !== null && approvals.missing > 0
      ? [`${subject} needs ${approvals.missing} of ${approvals.may.join(', ') || 'nobody who may'}`]
      : [],
  )
  const answers = behaviour.map(
    ({ bundle, behaviour: { probes, same } }) => `${bundle}: ${probes - same}/${probes} answers change`,
  )
  const parts = [...waits.slice(0, 2), ...answers.slice(0, 2), ...shortened(moves, 'promotes')]
  return { state: 'success', description: parts.length === 0 ? 'Passes; moves no alias.' : parts.join('; ') }
}

const moveOf = ({ subject, from, to }: PreviewedDecision): string =>
  `${subject} ${to?.bundle ?? ''} ${from === null ? '' : `${from.version} → `}${to?.version ?? ''}`

function shortened(all: readonly string[], verb: string): string[] {
  const [first] = all
  if (first === undefined) return []
  return [`${verb} ${first}${all.length > 1 ? ` and ${all.length - 1} more` : ''}`]
}
