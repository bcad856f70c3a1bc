import type { Reason } from '../../schemas/reasons.ts'
import type { RuntimeDeps } from './deps.ts'

export type Readiness = {
  status: 'starting' | 'ready' | 'degraded' | 'expired'
  reason_code?: Reason
  seq: number
  /** Seconds since the controller was last heard of. */
  age_s: number
}

/** What `/readyz` says. A Runtime that cannot write its audit log, or that drains, takes no traffic. */
export function readinessOf(deps: RuntimeDeps): Readiness & { mayServe: boolean } {
  const { status, reason_code, seq, age_s } = deps.tenants.status()
  const known = { status, seq, age_s: Math.round(age_s * 1000) / 1000 }
  if (status === 'starting') return { ...known, reason_code: reason_code ?? 'STARTING', mayServe: false }
  if (status === 'expired') return { ...known, reason_code: reason_code ?? 'STALE', mayServe: false }
  if (!deps.audit.isHealthy())
    return { ...known, status: 'degraded', reason_code: 'AUDIT_UNAVAILABLE', mayServe: false }
  if (deps.isDraining()) return { ...known, status: 'degraded', reason_code: 'DRAINING', mayServe: false }
  return { ...known, ...(reason_code === undefined ? {} : { reason_code }), mayServe: true }
}
