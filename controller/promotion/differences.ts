import type { TenantState } from '../../schemas/ledger/state.ts'
import { ALIASES } from '../../schemas/names.ts'
import { holds } from './holds.ts'
import { isSame, settingsOf } from './settings.ts'
import { isReadable, type UnreadableTenant, type WantedTenant } from './wanted.ts'

type Wants = WantedTenant | UnreadableTenant

/**
 * Pairs that were found equal. Both sides are immutable and keep their identity while they do not change, so that a
 * registry of many tenants is compared once and not at every look.
 */
const agreed = new WeakMap<Wants, TenantState>()

/** Tenants whose wanted state is not the state in force, sorted by name. */
export function differingTenants(
  wanted: ReadonlyMap<string, Wants>,
  inForce: ReadonlyMap<string, TenantState>,
): { changed: Wants[]; removed: TenantState[] } {
  const changed: Wants[] = []
  for (const [name, wants] of wanted) {
    const state = inForce.get(name)
    if (state !== undefined && (agreed.get(wants) === state || agree(wants, state))) agreed.set(wants, state)
    else changed.push(wants)
  }
  const removed = [...inForce.values()].filter(({ tenant }) => !wanted.has(tenant))
  changed.sort((a, b) => (a.name < b.name ? -1 : 1))
  removed.sort((a, b) => (a.tenant < b.tenant ? -1 : 1))
  return { changed, removed }
}

function agree(wants: Wants, state: TenantState): boolean {
  if ('findings' in wants) return false
  const { settings, keys, values } = wants
  if (!isReadable(settings) || !isReadable(keys) || !isReadable(values)) return false
  const asked = { ...settings.value, tenant: wants.name, keys: keys.value, values: values.value }
  return (
    isSame(settingsOf(state), asked) && ALIASES.every((alias) => agreeOn(wants.aliases[alias], state.aliases[alias]))
  )
}

function agreeOn(wanted: WantedTenant['aliases']['current'], held: TenantState['aliases']['current']): boolean {
  if (wanted === undefined || held === undefined) return wanted === undefined && held === undefined
  return isReadable(wanted) && holds(held, wanted.value)
}
