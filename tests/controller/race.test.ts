import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRepository } from '../../runtime/git/repository.ts'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { eventually } from '../support/eventually.ts'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { stockGit } from '../support/stock-repository.ts'
import { aliasFile, digestOf, openTestRegistry, tinyBundle, type TestRegistry } from '../support/test-registry.ts'

const bundles = [tinyBundle('faq', '1.0.0'), tinyBundle('faq', '1.1.0')] as const
const versions = bundles.map((files, index) => ({ version: `1.${index}.0`, digest: digestOf('faq', files) }))
const ROUNDS = 15

describe('two controllers on one repository', () => {
  let registry: TestRegistry
  let loops: RunningLoop[]

  beforeEach(async () => {
    registry = await openTestRegistry()
    const other = await openRepository(registry.location)
    loops = [await runLoop(registry, 'first'), await runLoop({ ...registry, repository: other }, 'second')]
  })
  afterEach(async () => {
    await Promise.all(loops.map((loop) => loop.stop()))
    await registry.close()
  })

  it('write every decision once, lose none, and agree on one ledger', async () => {
    const [first] = loops as [RunningLoop, RunningLoop]
    await registry.commit({ ...bundles[0], 'tenants/shop/tenant.yaml': 'status: active\n' })
    await eventually(
      async () => first.head().state.seals.size,
      (size) => size === 1,
    )
    await registry.commit(bundles[1])
    await eventually(
      async () => first.head().state.seals.size,
      (size) => size === 2,
    )
    for (let round = 0; round < ROUNDS; round++) {
      const { version, digest } = versions[round % 2]!
      await registry.commit({ 'tenants/shop/aliases/candidate.yaml': aliasFile('faq', version, digest) })
      await Promise.all(loops.map((loop) => loop.reconcileNow()))
      for (const loop of loops) expect(loop.head().state.tenants.get('shop')?.aliases.candidate?.digest).toBe(digest)
    }
    const decisions: Decision[] = []
    const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
    await verifyLedger({
      reader: registry.repository,
      root: registry.root,
      accepted: null,
      head,
      onStep: ({ entry }) => decisions.push(...entry.decisions),
    })
    expect(decisions.filter(({ subject }) => subject === 'shop/candidate')).toHaveLength(ROUNDS)
    expect(decisions.filter(({ subject }) => subject.startsWith('bundles/'))).toHaveLength(2)
    expect(loops.flatMap(({ told }) => told.filter(({ type }) => type === 'fault'))).toEqual([])
    await (
      await stockGit(registry)
    )('fsck', '--full', '--strict')
  })
})
