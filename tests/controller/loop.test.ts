import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../support/test-registry.ts'

const ACTIVE = 'status: active\n'
const v1 = tinyBundle('faq', '1.0.0')
const v2 = tinyBundle('faq', '1.1.0')
const d1 = digestOf('faq', v1)
const d2 = digestOf('faq', v2)
const candidate = 'tenants/shop/aliases/candidate.yaml'
const current = 'tenants/shop/aliases/current.yaml'

describe('the loop', () => {
  let registry: TestRegistry
  let loop: RunningLoop

  beforeEach(async () => {
    registry = await openTestRegistry()
    loop = await runLoop(registry)
  })
  afterEach(async () => {
    await loop.stop()
    await registry.close()
  })

  it('seals a bundle and promotes it once it is approved, and takes it back by a revert', async () => {
    await registry.commit({
      ...v1,
      'tenants/shop/tenant.yaml': ACTIVE,
      [candidate]: aliasFile('faq', '1.0.0', d1),
      [current]: aliasFile('faq', '1.0.0', d1),
    })
    await loop.decided({ subject: 'bundles/faq/1.0.0', reason_code: 'SEALED' })
    await loop.decided({ subject: 'shop/candidate', reason_code: 'PROMOTED' })
    await loop.decided({ subject: 'shop/current', reason_code: 'APPROVAL_MISSING', decision: 'deny' })

    const { state } = loop.head()
    await registry.commit(await registry.approval('ben', { tenant: 'shop', alias: 'current', digest: d1, state }))
    await loop.decided({ subject: 'shop/current', reason_code: 'PROMOTED' })
    expect(loop.head().state.tenants.get('shop')?.aliases.current).toMatchObject({ version: '1.0.0', digest: d1 })

    const approval = await registry.approval('ben', {
      tenant: 'shop',
      alias: 'current',
      digest: d2,
      state: loop.head().state,
    })
    await registry.commit({
      ...v2,
      [candidate]: aliasFile('faq', '1.1.0', d2),
      [current]: aliasFile('faq', '1.1.0', d2),
      ...approval,
    })
    await loop.decided({
      subject: 'shop/current',
      reason_code: 'PROMOTED',
      to: { bundle: 'faq', version: '1.1.0', digest: d2 },
    })

    await registry.commit({
      ...v1,
      [candidate]: aliasFile('faq', '1.0.0', d1),
      [current]: aliasFile('faq', '1.0.0', d1),
    })
    await loop.decided({ subject: 'shop/current', reason_code: 'ROLLED_BACK', kind: 'rollback' })
    expect(loop.head().state.tenants.get('shop')?.aliases.current?.stack).toHaveLength(1)
    expect(loop.told.filter(({ type }) => type === 'fault')).toEqual([])
  })
})
