import type { Fault } from '../fault.ts'
import { REASONS, statusOf, type Reason } from '../reasons.ts'

/** Body of an error, `application/problem+json` (RFC 9457). */
export type ProblemDetails = {
  /** `urn:contractor:reason:<reason code>` */
  type: string
  title: string
  status: number
  detail: string
  hint: string
  reason_code: Reason
  request_id: string
}

/** Reasons whose message may tell a stranger nothing beyond the title. */
const TITLE_ONLY: ReadonlySet<Reason> = new Set(['UNAUTHENTICATED', 'INTERNAL'])

/** What a caller is told of a fault. */
export function problemOf(fault: Fault, requestId: string, status = statusOf(fault.reason)): ProblemDetails {
  const { reason } = fault
  const { title, hint } = REASONS[reason]
  return {
    type: `urn:contractor:reason:${reason}`,
    title,
    status,
    detail: TITLE_ONLY.has(reason) ? title : fault.message,
    hint,
    reason_code: reason,
    request_id: requestId,
  }
}
