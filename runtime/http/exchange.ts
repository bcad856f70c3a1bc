import type { Fault } from '../../schemas/fault.ts'
import { statusOf, type Reason } from '../../schemas/reasons.ts'
import { blankRecord, type AuditRecord } from '../audit/record.ts'
import type { Action, Profile } from './actions.ts'
import type { RuntimeDeps } from './deps.ts'
import type { MetricAction } from './metrics.ts'
import { faultOf, problemResponse, type ResponseHeaders } from './problem.ts'
import type { Connection } from './read-body.ts'
import { requestIdOf } from './request-id.ts'

/** One request on its way through the Runtime. */
export type Exchange = {
  request: Request
  connection: Connection
  requestId: string
  startedMs: number
  action: MetricAction
  profile: string | null
}

export function openExchange(
  deps: RuntimeDeps,
  request: Request,
  connection: Connection,
  action: Action | null,
  profile: Profile | null,
): Exchange {
  return {
    request,
    connection,
    requestId: requestIdOf(request.headers),
    startedMs: deps.monotonicMs(),
    action: action === null ? 'unknown' : action.name,
    profile: profile === null || action === null ? null : action.name,
  }
}

/** Milliseconds since the request came, to the microsecond. */
export function elapsedMs(deps: RuntimeDeps, exchange: Exchange): number {
  return Math.round((deps.monotonicMs() - exchange.startedMs) * 1000) / 1000
}

let lastMs = Number.NaN
let lastText = ''

/** RFC 3339; the requests of one millisecond share the text. */
function timestamp(now: Date): string {
  const ms = now.getTime()
  if (ms !== lastMs) {
    lastMs = ms
    lastText = now.toISOString()
  }
  return lastText
}

/** The members of an audit record that every decision about this request shares. */
export function recordOf(deps: RuntimeDeps, exchange: Exchange, reason: Reason, status: number): AuditRecord {
  const { node, runtimeVersion } = deps.settings
  const origin = { ts: timestamp(deps.now()), node, runtime_version: runtimeVersion }
  const record = blankRecord(origin, exchange.action, reason, status)
  record.request_id = exchange.requestId
  record.profile = exchange.profile
  record.ms = elapsedMs(deps, exchange)
  return record
}

/** Counts the answer and hands it on. */
export function answered(deps: RuntimeDeps, exchange: Exchange, reason: Reason, response: Response): Response {
  deps.metrics.observe({
    action: exchange.action,
    method: exchange.request.method,
    status: response.status,
    decision: response.status < 400 ? 'allow' : 'deny',
    reason,
    seconds: (deps.monotonicMs() - exchange.startedMs) / 1000,
  })
  return response
}

/** Answers with a problem; faults of the software are logged with what caused them. */
export function refused(deps: RuntimeDeps, exchange: Exchange, error: unknown, headers?: ResponseHeaders): Response {
  const fault = faultOf(error)
  const { requestId, action } = exchange
  if (statusOf(fault.reason) >= 500) deps.log.error('request failed', fault, { request_id: requestId, action })
  else deps.log.debug('request refused', { request_id: requestId, action, reason: fault.reason })
  return answered(deps, exchange, fault.reason, problemResponse(fault, requestId, headers))
}

/** Refuses what no proven tenant asked for: a bounded record stands for all denials alike. */
export function refuseStranger(
  deps: RuntimeDeps,
  exchange: Exchange,
  fault: Fault,
  headers?: ResponseHeaders,
): Response {
  deps.denials.add({
    action: exchange.action,
    profile: exchange.profile,
    reason: fault.reason,
    status: statusOf(fault.reason),
    tenant: null,
    keyId: null,
    requestId: exchange.requestId,
    policies: deps.tenants.status().policies,
    ms: elapsedMs(deps, exchange),
  })
  return refused(deps, exchange, fault, headers)
}
