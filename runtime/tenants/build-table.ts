import { Fault } from '../../schemas/fault.ts'
import type { AliasState, TenantState } from '../../schemas/ledger/state.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Floors } from '../../schemas/registry/floor.ts'
import { underFloor, type LoadedBundle } from '../bundle/load.ts'
import { areDefaults, valuesDigest } from './values-digest.ts'
import { floorFor } from '../engine/policies.ts'
import { selfTest } from '../engine/self-test.ts'
import type { Bundles, TableState } from './bundles.ts'
import { floorsDigest, readFloors } from './floors.ts'
import type { Served, ServedTenant, TenantTable } from './table.ts'

export type Built = {
  state: TableState
  table: TenantTable
  /** Digest of the organisation's floor; null where there is none. */
  policies: string | null
  /** Whether something that Git could not give now may come right by itself. */
  isIncomplete: boolean
}

/** Reasons with which an alias is refused as they are; whatever else goes wrong with a bundle, it is not verified. */
const REFUSALS = new Set<Reason>(['BUNDLE_REVOKED', 'INCOMPATIBLE_RUNTIME', 'POLICY_MISSING'])

/**
 * What is to be served of a state. Tenants of which nothing changed keep the very object that they had, and with it
 * what others keep beside it. A bundle that cannot be served refuses its own aliases and nothing else.
 */
export async function buildTable(bundles: Bundles, state: TableState, before: Built | null): Promise<Built> {
  const floors = floorsIn(state)
  const policies = floorsDigest(state.governance)
  const table = new Map<string, ServedTenant>()
  let isIncomplete = false
  const isSameForAll = before !== null && before.state.governance === state.governance
  for (const [name, tenant] of state.tenants) {
    const known = before?.table.get(name)
    const served =
      isSameForAll && known !== undefined && known.state === tenant && !isUnverified(known)
        ? known
        : await serveTenant(bundles, state, tenant, { floors, policies })
    table.set(name, served)
    isIncomplete ||= isUnverified(served)
  }
  return { state, table, policies, isIncomplete }
}

/** Digests that the table answers from. */
export function digestsIn(table: TenantTable): Set<string> {
  return new Set([...aliasesIn(table)].map(({ digest }) => digest))
}

export function* aliasesIn(table: TenantTable): Generator<AliasState> {
  for (const { aliases } of table.values())
    for (const served of [aliases.current, aliases.candidate]) if (served !== undefined) yield served.state
}

async function serveTenant(
  bundles: Bundles,
  state: TableState,
  tenant: TenantState,
  { floors, policies }: { floors: Floors | Fault; policies: string | null },
): Promise<ServedTenant> {
  const aliases: ServedTenant['aliases'] = {}
  const values = areDefaults(tenant.values) ? null : valuesDigest(tenant.values)
  if (tenant.status === 'suspended') return { state: tenant, aliases, policies, values }
  for (const alias of ['current', 'candidate'] as const) {
    const held = tenant.aliases[alias]
    if (held !== undefined) aliases[alias] = await serveAlias(bundles, state, tenant, held, floors)
  }
  return { state: tenant, aliases, policies, values }
}

async function serveAlias(
  bundles: Bundles,
  state: TableState,
  tenant: TenantState,
  alias: AliasState,
  floors: Floors | Fault,
): Promise<Served> {
  try {
    if (floors instanceof Fault) throw floors
    const bundle = withFloors(await bundles.load(alias, state), floors, tenant)
    checkOnce(bundle)
    return { kind: 'bundle', bundle, state: alias }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const reason = error instanceof Fault && REFUSALS.has(error.reason) ? error.reason : 'BUNDLE_UNVERIFIED'
    return { kind: 'refused', reason, message: error.message, state: alias }
  }
}

const tested = new WeakSet<LoadedBundle>()

/** Tenants under the same floor share a bundle, and so its self-test. */
function checkOnce(bundle: LoadedBundle): void {
  if (tested.has(bundle)) return
  selfTest(bundle)
  tested.add(bundle)
}

function withFloors(bundle: LoadedBundle, floors: Floors, tenant: TenantState): LoadedBundle {
  const floor = floorFor(floors, tenant.labels)
  return Object.keys(floor).length === 0 ? bundle : underFloor(bundle, floor)
}

function floorsIn(state: TableState): Floors | Fault {
  try {
    return readFloors(state.governance)
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

const isUnverified = ({ aliases }: ServedTenant): boolean =>
  [aliases.current, aliases.candidate].some(
    (served) => served?.kind === 'refused' && served.reason === 'BUNDLE_UNVERIFIED',
  )
