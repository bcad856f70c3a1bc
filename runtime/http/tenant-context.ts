import { durationMs } from '../../schemas/duration.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import { Fault } from '../../schemas/fault.ts'
import type { AuditLog } from '../audit/log.ts'
import type { Commitments } from '../audit/commitments.ts'
import type { Served, ServedTenant } from '../tenants/table.ts'
import { executeLimits, executeQuota, type LimitPolicy } from './limit-policy.ts'
import type { Quota } from './quota.ts'

/** Of minutes, and of days and months. */
export type Limits = { policy: LimitPolicy; quota: Quota }

/** What is derived once from a tenant as it is served; a swap makes a new one. */
export type TenantContext = {
  limits: Limits | Fault
  /** Of requests for the candidate. */
  candidateLimits: Limits | Fault
  maxStalenessMs: number
  commitments: Commitments
}

function limitsOf(state: TenantState, served: Served | undefined): Limits | Fault {
  const policies = served?.kind === 'bundle' ? served.bundle.policies : null
  try {
    return { policy: executeLimits(state, policies), quota: executeQuota(state, policies) }
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
