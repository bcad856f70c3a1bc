import { durationMs } from '../../schemas/duration.ts'
import { Fault } from '../../schemas/fault.ts'
import type { AuditLog } from '../audit/log.ts'
import type { Commitments } from '../audit/commitments.ts'
import type { ServedTenant } from '../tenants/table.ts'
import { executeLimits, type LimitPolicy } from './limit-policy.ts'

/** What is derived once from a tenant as it is served; a swap makes a new one. */
export type TenantContext = {
  limits: LimitPolicy | Fault
  maxStalenessMs: number
  commitments: Commitments
}

function limitsOf({ state, aliases }: ServedTenant): LimitPolicy | Fault {
  try {
    return executeLimits(state, aliases.current?.kind === 'bundle' ? aliases.current.bundle.policies : null)
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
        limits: limitsOf(tenant),
        // A duration that cannot be read allows no staleness at all.
        maxStalenessMs: durationMs(tenant.state.max_staleness) ?? 0,
        commitments: audit.commitments(tenant.state.tenant),
      }
      contexts.set(tenant, context)
    }
    return context
  }
}
