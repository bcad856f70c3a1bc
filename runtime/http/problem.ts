import { Fault } from '../../schemas/fault.ts'
import { problemOf } from '../../schemas/http/problem.ts'
import { REASONS, statusOf } from '../../schemas/reasons.ts'

export type ResponseHeaders = Record<string, string>

/** What went wrong, as a fault of the closed list; whatever is not one is `INTERNAL`, and its message stays inside. */
export function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  return new Fault('INTERNAL', REASONS.INTERNAL.title, { cause: error })
}

/** The body of RFC 9457 with `reason_code` and `request_id`. */
export function problemBody(fault: Fault, requestId: string, status = statusOf(fault.reason)): string {
  return JSON.stringify(problemOf(fault, requestId, status))
}

/** The answer to a fault; with `Retry-After` where it is known when the same call may succeed. */
export function problemResponse(fault: Fault, requestId: string, headers: ResponseHeaders = {}): Response {
  const all: ResponseHeaders = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...headers,
  }
  if (fault.retryAfterS !== undefined) all['retry-after'] = String(fault.retryAfterS)
  return new Response(problemBody(fault, requestId), { status: statusOf(fault.reason), headers: all })
}
