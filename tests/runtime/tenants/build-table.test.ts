import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { loadBundle, type LoadedBundle } from '../../../runtime/bundle/load.ts'
import { buildTable } from '../../../runtime/tenants/build-table.ts'
import type { Bundles } from '../../../runtime/tenants/bundles.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { bundleSource } from '../../support/bundle-source.ts'
import { newTenant } from '../../support/ledger-builder.ts'
import { aliasState } from '../../support/runtime-app.ts'

const healthy = loadBundle(compileBundle(bundleSource(), 1).files)

function counted(bundle: LoadedBundle) {
  const redacted = { count: 0 }
  const redact: LoadedBundle['redact'] = (value) => {
    redacted.count += 1
    return bundle.redact(value)
  }
  return { bundle: { ...bundle, redact }, redacted }
}

function stateOf(tenants: readonly string[]): LedgerState {
  const rows = tenants.map((name) => [name, newTenant(name, { aliases: { current: aliasState() } })] as const)
  return { governance: new Map(), tenants: new Map(rows) } as unknown as LedgerState
}

const bundlesOf = (load: Bundles['load']): Bundles => ({ load, retain: async () => undefined })

describe('the table of tenants', () => {
  it('is made of bundles that were executed once, however many tenants share one', async () => {
    const { bundle, redacted } = counted(healthy)
    const bundles = bundlesOf(async () => bundle)
    const built = await buildTable(bundles, stateOf(['acme', 'globex', 'initech']), null)
    expect([...built.table.values()].map(({ aliases }) => aliases.current?.kind)).toEqual(Array(3).fill('bundle'))
    expect(redacted.count).toBe(1)
    await buildTable(bundles, stateOf(['acme', 'umbrella']), built)
    expect(redacted.count).toBe(1)
  })

  it('refuses the alias of a bundle that breaks the engine, and of no other', async () => {
    const broken: LoadedBundle = {
      ...healthy,
      redact: () => {
        throw new TypeError('the engine breaks')
      },
    }
    const state = stateOf(['acme', 'globex'])
    const acme = newTenant('acme', { aliases: { current: aliasState({ digest: 'sha256:broken' }) } })
    const tenants = new Map([...state.tenants, ['acme', acme]])
    const bundles = bundlesOf(async ({ digest }) => (digest === 'sha256:broken' ? broken : healthy))
    const built = await buildTable(bundles, { ...state, tenants }, null)
    expect(built.table.get('acme')?.aliases.current).toMatchObject({ kind: 'refused', reason: 'BUNDLE_UNVERIFIED' })
    expect(built.table.get('globex')?.aliases.current).toMatchObject({ kind: 'bundle' })
    expect(built.isIncomplete).toBe(true)
  })
})
