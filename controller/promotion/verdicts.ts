import type { Finding } from '../../schemas/finding.ts'
import type { BundleRef, Decision } from '../../schemas/ledger/entry.ts'
import type { Reason } from '../../schemas/reasons.ts'
import { tellable } from './tellable.ts'

/** What one entry holds at most; the rest follows in the next one. */
export const MAX_DECISIONS = 500
/** Of them for bundles, so that many new ones leave room for a rollback. */
export const MAX_SEALS = 100
const MAX_ENTRY_CHARS = 2 * 1024 * 1024

/** Refusals and waits that stand, by subject. They were written once and are not written again while they stand. */
export type Standing = ReadonlyMap<string, Decision>

/** Collects the verdicts of one planning. */
export type Verdicts = {
  /** Verdicts that must be written: all that allow, and of the others those that are new. */
  readonly decisions: Decision[]
  /** Their length as JSON. */
  chars: number
  /** Whether some subjects were not judged at all: what stands about them keeps standing. */
  partial: boolean
  /** Subjects that differ and were judged, or whose evidence is pending; null where there is no verdict yet. */
  readonly open: Map<string, Decision | null>
  readonly standing: Standing
}

export function newVerdicts(standing: Standing): Verdicts {
  return { decisions: [], chars: 0, partial: false, open: new Map(), standing }
}

export function record(verdicts: Verdicts, decision: Decision): void {
  const stands = verdicts.standing.get(decision.subject)
  if (decision.decision !== 'allow') {
    verdicts.open.set(decision.subject, decision)
    if (stands !== undefined && isSameVerdict(stands, decision)) return
  }
  verdicts.decisions.push(decision)
  verdicts.chars += JSON.stringify(decision).length
}

/** Its evidence is pending: what stands about it keeps standing. */
export function recordUndecided(verdicts: Verdicts, subject: string): void {
  verdicts.open.set(subject, null)
}

/** Whether one more subject may be judged for this entry; where not, the next entry goes on. */
export function hasRoom(verdicts: Verdicts, max: number = MAX_DECISIONS): boolean {
  const room = verdicts.decisions.length < max && verdicts.chars < MAX_ENTRY_CHARS
  if (!room) verdicts.partial = true
  return room
}

/** What stands once the verdicts are written: nothing about subjects that no longer differ. */
export function standingAfter({ open, standing, decisions, partial }: Verdicts): Map<string, Decision> {
  const after = new Map<string, Decision>()
  for (const [subject, decision] of standing) if (partial || open.has(subject)) after.set(subject, decision)
  for (const { subject, decision } of decisions) if (decision === 'allow') after.delete(subject)
  for (const [subject, decision] of open) if (decision !== null) after.set(subject, decision)
  return after
}

/** People and wording may differ: the same verdict is told once. */
export function isSameVerdict(a: Decision, b: Decision): boolean {
  const identity = ({ subject, kind, decision, reason_code, from, to, report, values }: Decision) =>
    JSON.stringify([subject, kind, decision, reason_code, refIdentity(from), refIdentity(to), report, values])
  return identity(a) === identity(b)
}

const refIdentity = (ref: BundleRef | null) => (ref === null ? null : [ref.bundle, ref.version, ref.digest])

type Said = Partial<Omit<Decision, 'subject' | 'reason_code'>>

export function allowed(subject: string, reason_code: Reason, said: Said & Pick<Decision, 'kind'>): Decision {
  const message = tellable(said.message ?? '', MAX_MESSAGE_CHARS)
  return { ...blank(subject, reason_code), ...said, message, decision: 'allow' }
}

export function refused(subject: string, reason_code: Reason, message: string, said: Said = {}): Decision {
  return { ...blank(subject, reason_code), ...said, message: tellable(message, MAX_MESSAGE_CHARS) }
}

const MAX_NAMED = 3

/** A refusal of what cannot be read: the first findings with their places. */
export function refusedByFindings(subject: string, findings: readonly Finding[]): Decision {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const named = errors
    .slice(0, MAX_NAMED)
    .map(({ path, line, column, message }) => `${path}:${line}:${column} ${message}`)
  const more = errors.length > MAX_NAMED ? ` (and ${errors.length - MAX_NAMED} more)` : ''
  return refused(subject, errors[0]?.code ?? 'FILE_INVALID', `${named.join('; ')}${more}`)
}

/** No name or message in the registry is so long that the entry about it could not be read. */
const MAX_SUBJECT_CHARS = 300
const MAX_MESSAGE_CHARS = 4_000

function blank(subject: string, reason_code: Reason): Decision {
  return {
    subject: tellable(subject, MAX_SUBJECT_CHARS),
    kind: 'refuse',
    decision: 'deny',
    reason_code,
    message: '',
    not_before: null,
    from: null,
    to: null,
    people: { authors: [], approvers: [] },
    report: null,
  }
}
