import { durationMs } from '../../schemas/duration.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import { Fault } from '../../schemas/fault.ts'
import type { AuditLog } from '../audit/log.ts'
import type { Commitments } from '../audit/commitments.ts'
import type { Served, ServedTenant } from '../tenants/table.ts'
import { executeLimits, type LimitPolicy } from './limit-policy.ts'

/** What is derived once from a tenant as it is served; a swap makes a new one. */
export type TenantContext = {
  limits: LimitPolicy | Fault
  /** Of requests for the candidate. */
  candidateLimits: LimitPolicy | Fault
  maxStalenessMs: number
  commitments: Commitments
}

function limitsOf(state: TenantState, served: Served | undefined): LimitPolicy | Fault {
  try {
    return executeLimits(state, served?.kind === 'bundle' ? served.bundle.policies : null)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

export function createTenantContexts(audit: AuditLog): (tenant: ServedTenant) => TenantContext {
  const contexts = new WeakMap<ServedTenant, TenantContext>()
  return (tenant) => {
    let context = contexts.get(tenant)
    if (context === undefined) {
      context = {
        limits: limitsOf(tenant.state, tenant.aliases.current),
        candidateLimits: limitsOf(tenant.state, tenant.aliases.candidate),
        // A duration that cannot be read allows no staleness at all.
        maxStalenessMs: durationMs(tenant.state.max_staleness) ?? 0,
        commitments: audit.commitments(tenant.state.tenant),
      }
      contexts.set(tenant, context)
    }
    return context
  }
}
