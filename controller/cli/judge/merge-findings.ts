import type { Finding } from '../../../schemas/finding.ts'
import { REASONS, type Reason } from '../../../schemas/reasons.ts'
import { aliasPath } from '../clone/alias-file.ts'
import type { MergePreview, PreviewedDecision } from './check-result.ts'
import { aliasOf } from './merge-preview.ts'

/** What people still have to do; the change itself is sound. */
const WAITS_FOR_PEOPLE: readonly Reason[] = ['APPROVAL_MISSING', 'GOVERNANCE_NOT_APPROVED']

/** Refusals and waits of a preview, at the files that they are about. What `told` says already is not said twice. */
export function mergeFindings({ decisions }: MergePreview, told: readonly Finding[]): Finding[] {
  const broken = new Set(told.filter(({ severity }) => severity === 'error').map(({ path }) => path))
  return decisions
    .filter(({ decision, subject }) => decision !== 'allow' && !broken.has(pathOf(subject)))
    .filter(({ subject, reason_code }) => !subject.startsWith('bundles/') || reason_code === 'TAG_CONFLICT')
    .map((decision): Finding => {
      const { subject, reason_code: code, message } = decision
      const place = { path: pathOf(subject), line: 1, column: 1 }
      const hint = hintOf(decision)
      return { gate: 'merge', code, severity: severityOf(decision, decisions), ...place, message, hint }
    })
}

function severityOf(decision: PreviewedDecision, all: readonly PreviewedDecision[]): Finding['severity'] {
  if (decision.decision === 'wait') return 'note'
  if (WAITS_FOR_PEOPLE.includes(decision.reason_code)) return 'warning'
  return decision.reason_code === 'NOT_CANDIDATE' && followsFrom(decision, all) ? 'warning' : 'error'
}

/** Whether the alias only lacks what an alias before it, in the same merge, is still to be approved for. */
function followsFrom({ subject, to }: PreviewedDecision, all: readonly PreviewedDecision[]): boolean {
  const tenant = aliasOf(subject)?.tenant
  return all.some(
    (other) =>
      other.subject !== subject &&
      aliasOf(other.subject)?.tenant === tenant &&
      other.to?.digest === to?.digest &&
      (other.decision === 'wait' || WAITS_FOR_PEOPLE.includes(other.reason_code)),
  )
}

function hintOf({ reason_code, approvals, subject }: PreviewedDecision): string {
  const alias = aliasOf(subject)
  if (approvals === null || approvals.may.length === 0 || alias === null) return REASONS[reason_code].hint
  const { missing, may } = approvals
  return `${missing} of ${may.join(', ')}: contractor approve ${alias.tenant} ${alias.alias}`
}

function pathOf(subject: string): string {
  const alias = aliasOf(subject)
  if (alias !== null) return aliasPath(alias.tenant, alias.alias)
  if (/^tenants\/[^/]+$/.test(subject)) return `${subject}/tenant.yaml`
  if (/^bundles\/[^/]+\/[^/]+$/.test(subject)) return `${subject.slice(0, subject.lastIndexOf('/'))}/manifest.yaml`
  return subject
}
