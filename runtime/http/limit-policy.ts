import { Fault } from '../../schemas/fault.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import type { Policies } from '../../schemas/registry/policies.ts'
import type { Quota } from './quota.ts'

/** What a tenant may ask for in a minute; `perKey` is null where only the tenant as a whole is limited. */
export type LimitPolicy = { perTenant: number; perKey: number | null; perUser: number }

/** Requests a minute of one user, where neither bundle nor tenant says (`PRODUCT` F15.1). */
const EXECUTE_PER_USER = 20
/** Requests a minute of a tenant that has no bundle to answer them, where its `tenant.yaml` does not say. */
const EXECUTE_WITHOUT_BUNDLE = 600

function lowest(...limits: (number | undefined)[]): number | null {
  const given = limits.filter((limit) => limit !== undefined)
  return given.length === 0 ? null : Math.min(...given)
}

function checked(limits: Record<string, number | undefined>, where: string): void {
  for (const [name, limit] of Object.entries(limits)) {
    if (limit === undefined || (Number.isSafeInteger(limit) && limit >= 0)) continue
    throw new Fault(
      'POLICY_MISSING',
      `${where}: ${name} is not a number of requests; nothing is served without a limit`,
    )
  }
}

/**
 * The limits on `execute` of a tenant: the lowest of the bundle's policy and `tenant.yaml`.
 * @param policies those of the bundle that would answer; null where none is served
 * @throws Fault `POLICY_MISSING` when the bundle has no valid rate_limit policy, or the tenant's is not valid
 */
export function executeLimits(state: TenantState, policies: Policies | null): LimitPolicy {
  const own = state.limits
  checked(own, `limits of the tenant ${state.tenant}`)
  const ofBundle = policies?.rate_limit?.execute
  if (policies !== null && ofBundle === undefined) {
    throw new Fault('POLICY_MISSING', 'the bundle has no rate_limit policy; nothing is served without a limit')
  }
  checked({ ...ofBundle }, "the bundle's rate_limit policy")
  return {
    perTenant: lowest(ofBundle?.per_minute, own.execute_per_minute) ?? EXECUTE_WITHOUT_BUNDLE,
    perKey: lowest(own['execute_per_key_per_minute']),
    perUser: lowest(ofBundle?.per_user_per_minute, own['execute_per_user_per_minute']) ?? EXECUTE_PER_USER,
  }
}

/**
 * The quotas on `execute` of a tenant, its keys and its users: the lowest of the bundle's policy and `tenant.yaml`.
 * @throws Fault `POLICY_MISSING` when one of them is not a number of requests
 */
export function executeQuota(state: TenantState, policies: Policies | null): Quota {
  const own = state.quota
  checked(own, `quota of the tenant ${state.tenant}`)
  const ofBundle: Quota = policies?.rate_limit?.execute ?? {}
  const least = (name: keyof Quota) => {
    const found = lowest(ofBundle[name], own[name])
    return found === null ? {} : { [name]: found }
  }
  return {
    ...least('per_day'),
    ...least('per_month'),
    ...least('per_user_per_day'),
    ...least('per_user_per_month'),
    ...(own.per_key_per_day !== undefined && { per_key_per_day: own.per_key_per_day }),
    ...(own.per_key_per_month !== undefined && { per_key_per_month: own.per_key_per_month }),
  }
}
