import { Hono } from 'hono'
import semver from 'semver'
import { Fault } from '../../schemas/fault.ts'
import { ALIASES, type AliasName } from '../../schemas/names.ts'
import type { AliasState, TenantState } from '../../schemas/ledger/state.ts'
import type { LedgerHead } from '../promotion/head.ts'
import { callerOf, maySee, type Caller, type CallerDeps } from './caller.ts'
import { visibleSeals } from './visible-seals.ts'

/** What is in force, from verified `live` (ADR 0006, ADR 0010). */
export function registryRoutes(deps: CallerDeps) {
  return new Hono()
    .get('/v1/tenants', (c) => {
      const caller = callerOf(c.req.raw.headers, 'registry:read', deps)
      const tenants = [...deps.head().state.tenants.values()].filter(({ tenant }) => maySee(caller, tenant))
      return c.json({ tenants: tenants.sort((a, b) => (a.tenant < b.tenant ? -1 : 1)).map(tenantView) })
    })
    .get('/v1/tenants/:tenant/aliases/:alias', (c) => {
      const caller = callerOf(c.req.raw.headers, 'registry:read', deps)
      const { tenant, alias } = c.req.param()
      return c.json(aliasOf(deps.head(), caller, tenant, alias))
    })
    .get('/v1/bundles', (c) => {
      const caller = callerOf(c.req.raw.headers, 'registry:read', deps)
      const names = new Map<string, string[]>()
      for (const { bundle, version } of visibleSeals(deps.head(), caller))
        names.set(bundle, [...(names.get(bundle) ?? []), version])
      const bundles = [...names].map(([bundle, versions]) => ({ bundle, versions: versions.sort(semver.rcompare) }))
      return c.json({ bundles: bundles.sort((a, b) => (a.bundle < b.bundle ? -1 : 1)) })
    })
    .get('/v1/bundles/:name', (c) => {
      const caller = callerOf(c.req.raw.headers, 'registry:read', deps)
      const { name } = c.req.param()
      const seals = visibleSeals(deps.head(), caller).filter(({ bundle }) => bundle === name)
      if (seals.length === 0) throw new Fault('NOT_FOUND', `there is no sealed bundle ${JSON.stringify(name)}`)
      return c.json({ bundle: name, versions: seals.sort((a, b) => semver.rcompare(a.version, b.version)) })
    })
    .get('/v1/bundles/:name/:version', (c) => {
      const caller = callerOf(c.req.raw.headers, 'registry:read', deps)
      const { name, version } = c.req.param()
      const seal = visibleSeals(deps.head(), caller).find((each) => each.bundle === name && each.version === version)
      if (seal === undefined) throw new Fault('NOT_FOUND', `there is no such sealed bundle version`)
      return c.json(seal)
    })
}

/** ADR 0010: what an alias resolves to; a tenant that the caller may not see is unknown to it. */
function aliasOf({ state }: LedgerHead, caller: Caller, tenant: string, alias: string) {
  const name = ALIASES.find((known): known is AliasName => known === alias)
  const held = maySee(caller, tenant) && name !== undefined ? state.tenants.get(tenant)?.aliases[name] : undefined
  if (held === undefined) throw new Fault('ALIAS_UNKNOWN', 'there is no such tenant or alias')
  return { tenant, alias, ...aliasView(held) }
}

const aliasView = ({ bundle, version, bundle_id, digest, tag, seq }: AliasState) => ({
  bundle,
  version,
  bundle_id,
  digest,
  tag,
  seq,
})

function tenantView({ tenant, status, labels, aliases }: TenantState) {
  const held = Object.entries(aliases).map(([alias, state]) => [alias, aliasView(state)])
  return { tenant, status, labels, aliases: Object.fromEntries(held) as Record<string, ReturnType<typeof aliasView>> }
}
