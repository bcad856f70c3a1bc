import { Fault } from '../../schemas/fault.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import type { KeyScope } from '../../schemas/registry/tenant.ts'
import { authenticate, isOperator } from '../../runtime/http/authenticate.ts'
import type { LedgerHead } from '../promotion/head.ts'

/** Who asks: the operator sees every tenant, a tenant's key its own. */
export type Caller = { kind: 'operator' } | { kind: 'tenant'; state: TenantState; scopes: ReadonlySet<KeyScope> }

export type CallerDeps = { head: () => LedgerHead; operatorKey: Buffer | null; now: () => Date }

/**
 * Proves who asks by `X-Api-Key`, and for a tenant's key `X-Tenant-Id`, against verified `live`.
 * @throws Fault `MISSING_HEADER`, `UNAUTHENTICATED`, `FORBIDDEN`
 */
export function callerOf(headers: Headers, scope: KeyScope, { head, operatorKey, now }: CallerDeps): Caller {
  const key = headers.get('x-api-key')
  if (isOperator(key, operatorKey)) return { kind: 'operator' }
  const tenant = headers.get('x-tenant-id')
  if (key === null || tenant === null) {
    const name = key === null ? 'X-Api-Key' : 'X-Tenant-Id'
    throw new Fault('MISSING_HEADER', `expected the header ${name}`)
  }
  const { tenants } = head().state
  const table = {
    tenant(name: string) {
      const state = tenants.get(name)
      return state === undefined ? null : { state, aliases: {}, policies: null, values: null }
    },
  }
  const caller = authenticate(table, tenant, key, now().getTime())
  if (!caller.scopes.has(scope)) throw new Fault('FORBIDDEN', `the key ${caller.keyId} lacks the scope ${scope}`)
  return { kind: 'tenant', state: caller.tenant.state, scopes: caller.scopes }
}

/** Whether a caller may see a tenant; to others it does not exist. */
export function maySee(caller: Caller, tenant: string): boolean {
  return caller.kind === 'operator' || caller.state.tenant === tenant
}
