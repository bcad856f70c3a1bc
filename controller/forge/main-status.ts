import type { Decision } from '../../schemas/ledger/entry.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Standing } from '../promotion/verdicts.ts'
import type { CommitStatus } from './commit-status.ts'

/** What became of a commit of `main`. */
export const MAIN_CONTEXT = 'contractor/main'

type MainVerdict = Pick<CommitStatus, 'state' | 'description'>

/** What only lacks people. */
const WAITS_FOR_PEOPLE: readonly Reason[] = ['APPROVAL_MISSING', 'GOVERNANCE_NOT_APPROVED']
const MAX_NAMED = 3

/** What is to be said about the tip of `main`: everything that stands refused or waits there, old or new. Pure. */
export function mainVerdict(standing: Standing, judging: number, seq: number): MainVerdict {
  const all = [...standing.values()]
  const waiting = all.filter(
    ({ subject, decision, reason_code }) =>
      subject !== 'main' && (decision === 'wait' || WAITS_FOR_PEOPLE.includes(reason_code)),
  )
  const refused = all.filter((decision) => !waiting.includes(decision))
  if (refused.length > 0) return { state: 'failure', description: `${refused.length} refused: ${named(refused)}` }
  if (judging > 0) return { state: 'pending', description: `The gates judge ${judging} bundle(s).` }
  if (waiting.length > 0) return { state: 'pending', description: `${waiting.length} waiting: ${named(waiting)}` }
  return { state: 'success', description: `All of it is in force (seq ${seq}).` }
}

/** What is to be said where the controller could not look to the end. */
export const faultVerdict = (reason: Reason): MainVerdict => ({
  state: 'error',
  description: `The controller cannot judge it now: ${reason}. It is tried again.`,
})

function named(decisions: readonly Decision[]): string {
  const first = decisions.slice(0, MAX_NAMED).map(({ subject, reason_code }) => `${subject} ${reason_code}`)
  return [...first, ...(decisions.length > MAX_NAMED ? ['…'] : [])].join(', ')
}
