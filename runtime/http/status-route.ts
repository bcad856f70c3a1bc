import { Fault } from '../../schemas/fault.ts'
import type { Served, ServedTenant } from '../tenants/table.ts'
import type { WorkerView } from '../workers/calls.ts'
import { authenticate, isOperator } from './authenticate.ts'
import type { RuntimeDeps } from './deps.ts'
import { answered, recordOf, refused, refuseStranger, type Exchange } from './exchange.ts'
import { faultOf } from './problem.ts'
import type { Executions } from './metrics.ts'
import { readinessOf } from './readiness.ts'

function aliasStatus(served: Served) {
  const { bundle, version, digest, seq } = served.state
  const known = { bundle, version, digest, seq }
  return served.kind === 'bundle' ? { ...known, served: true } : { ...known, served: false, reason_code: served.reason }
}

function tenantStatus(executed: ReadonlyMap<string, Executions>, { state, aliases }: ServedTenant) {
  const entries = Object.entries(aliases).map(([alias, served]) => [alias, aliasStatus(served)] as const)
  const executions = executed.get(state.tenant) ?? { governed: 0, all: 0 }
  const { governed, all } = executions
  const { status, max_staleness } = state
  return {
    status,
    max_staleness,
    aliases: Object.fromEntries(entries),
    executions,
    governed_execution_ratio: all === 0 ? null : governed / all,
  }
}

/** The logs of all workers as one; what each of them says stands under `workers`. */
function auditTogether(workers: readonly WorkerView[]) {
  const sum = (of: 'size' | 'published' | 'queued') => workers.reduce((total, { audit }) => total + audit[of], 0)
  const healthy = workers.every(({ audit }) => audit.healthy)
  return { size: sum('size'), published: sum('published'), healthy, queued: sum('queued') }
}

function auditAlone({ audit, witness }: RuntimeDeps) {
  return { ...audit.status(), verifier: audit.verifier, witness: witness.status() }
}

/**
 * `GET /status`: what is served, for the operator (all tenants), or for a tenant's key with the scope `status` (its own).
 */
export function createStatusRoute(deps: RuntimeDeps): (exchange: Exchange) => Promise<Response> {
  function visibleTenants(exchange: Exchange): {
    tenants: ServedTenant[]
    tenant: string | null
    keyId: string | null
  } {
    const { headers } = exchange.request
    const key = headers.get('x-api-key') ?? headers.get('authorization')?.replace(/^Bearer /i, '') ?? null
    const name = headers.get('x-tenant-id')
    if (key === null) throw new Fault('MISSING_HEADER', 'the header X-Api-Key is absent; send the key of the operator')
    if (name === null) {
      if (isOperator(key, deps.settings.operatorKey))
        return { tenants: [...deps.tenants.tenants()], tenant: null, keyId: null }
      throw new Fault('UNAUTHENTICATED', 'the key is not accepted')
    }
    const { tenant, keyId, scopes } = authenticate(deps.tenants, name, key, deps.now().getTime())
    if (!scopes.has('status')) throw new Fault('FORBIDDEN', 'the key lacks the scope status')
    return { tenants: [tenant], tenant: name, keyId }
  }

  return async (exchange) => {
    let visible: ReturnType<typeof visibleTenants>
    try {
      visible = visibleTenants(exchange)
    } catch (error) {
      return refuseStranger(deps, exchange, faultOf(error))
    }
    try {
      const record = recordOf(deps, exchange, 'ALLOWED', 200)
      const { policies } = deps.tenants.status()
      await deps.audit.append({ ...record, tenant: visible.tenant, key_id: visible.keyId, policies })
    } catch (error) {
      return refused(deps, exchange, error)
    }
    // Before anything is read: the other workers serve what this one does by then.
    const fleet = await deps.fleet?.look()
    const executions = fleet?.executions ?? deps.metrics.executions()
    const { mayServe, ...readiness } = readinessOf(deps)
    const body = JSON.stringify({
      ...readiness,
      may_serve: mayServe,
      node: deps.settings.node,
      runtime_version: deps.settings.runtimeVersion,
      audit: fleet === undefined ? auditAlone(deps) : auditTogether(fleet.workers),
      ...(fleet === undefined ? {} : { workers: fleet.workers }),
      limits: deps.limits.status(),
      tenants: Object.fromEntries(
        visible.tenants.map((tenant) => [tenant.state.tenant, tenantStatus(executions, tenant)]),
      ),
    })
    const headers = {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-request-id': exchange.requestId,
    }
    return answered(deps, exchange, 'ALLOWED', new Response(body, { status: 200, headers }))
  }
}
