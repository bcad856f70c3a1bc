import type { BundleRef, Decision } from '../../schemas/ledger/entry.ts'

/** What a reader of `git log live` looks for first. */
const ORDER: Decision['kind'][] = ['rollback', 'promote', 'seal', 'change', 'refuse']
const ALIAS_ORDER = ['/current', '/candidate', '/draft']

/** Subject of the commit of an entry: its most important decision, and how many more there are. */
export function subjectLine(decisions: readonly Decision[]): string {
  const [first] = [...decisions].sort((a, b) => weight(a) - weight(b))
  if (first === undefined) return 'no decisions'
  return `${describe(first)}${decisions.length > 1 ? ` (+${decisions.length - 1} more)` : ''}`
}

function weight({ decision, kind, subject }: Decision): number {
  const alias = ALIAS_ORDER.findIndex((ending) => subject.endsWith(ending))
  return (decision === 'allow' ? 0 : 100) + ORDER.indexOf(kind) * 10 + (alias === -1 ? ALIAS_ORDER.length : alias)
}

function describe({ decision, kind, reason_code, subject, from, to }: Decision): string {
  const what = kind === 'seal' && to !== null ? `${to.bundle} ${to.version}` : `${subject}${step(from, to)}`
  if (decision === 'allow') return `${kind} ${what}`
  return `${decision === 'wait' ? 'hold' : 'refuse'} ${what}: ${reason_code}`
}

/** ` faq 1.1.0 -> 1.2.0` */
function step(from: BundleRef | null, to: BundleRef | null): string {
  if (to === null) return ''
  if (from === null) return ` ${to.bundle} ${to.version}`
  return from.bundle === to.bundle
    ? ` ${to.bundle} ${from.version} -> ${to.version}`
    : ` ${from.bundle} ${from.version} -> ${to.bundle} ${to.version}`
}
