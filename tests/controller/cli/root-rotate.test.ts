import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSigner } from '../../../controller/promotion/sign.ts'
import { LIVE_REF, verifyLedger } from '../../../runtime/trust/ledger.ts'
import { emptyEnvironment } from '../../support/embedded.ts'
import { contractor } from '../../support/program.ts'
import { runLoop } from '../../support/running-loop.ts'
import { openTestRegistry, type TestRegistry } from '../../support/test-registry.ts'

const NEW_KEYS = ['--registry', 'registry.git', '--trust', 'root.json', '--keys', 'new']

describe('contractor root rotate', { timeout: 60_000 }, () => {
  let registry: TestRegistry
  let env: NodeJS.ProcessEnv
  beforeEach(async () => {
    registry = await openTestRegistry()
    env = await emptyEnvironment()
    await writeFile(join(registry.folder, 'root.json'), JSON.stringify(registry.root))
    await (await runLoop(registry)).stop()
  })
  afterEach(() => registry.close())

  const run = (...args: string[]) => contractor([...args, '--json'], registry.folder, env)
  const live = async () => (await registry.repository.readRef(LIVE_REF)) ?? ''
  const verified = async (head: string) =>
    verifyLedger({ reader: registry.repository, root: registry.root, accepted: null, head })
  const addTenant = (name: string) => registry.commit({ [`tenants/${name}/tenant.yaml`]: 'status: active\n' })
  const withNewKeys = async () => ({
    ...registry,
    signer: await openSigner(join(registry.folder, 'new/controller')),
    heartbeatSigner: await openSigner(join(registry.folder, 'new/heartbeat')),
  })

  it('hands over: the new key writes from then on, and the old one no more', async () => {
    const handOver = ['root', 'rotate', ...NEW_KEYS, '--from', 'controller']
    expect((await run(...handOver)).stdout).toContain('keyset.json')
    const before = await live()
    expect((await run('root', 'sign', 'rotation/keyset.json', '--key', 'ben')).code).toBe(0)
    expect(await run(...handOver)).toMatchObject({ code: 1 })
    expect(await live()).toBe(before)
    expect((await run('root', 'sign', 'rotation/keyset.json', '--key', 'root')).code).toBe(0)
    expect(await run(...handOver)).toMatchObject({ code: 0 })
    await addTenant('shop')
    const old = await runLoop(registry)
    await old.reconcileNow()
    await old.stop()
    expect((await verified(await live())).state.tenants.size).toBe(0)
    const loop = await runLoop(await withNewKeys())
    await loop.decided({ subject: 'tenants/shop', decision: 'allow' })
    await loop.stop()
    expect((await verified(await live())).state.keysets).toHaveLength(2)
  })

  it('recovers from a stolen key: what it wrote after the named commit is left behind', async () => {
    const right = await live()
    await addTenant('forged')
    const thief = await runLoop(registry, 'thief')
    await thief.decided({ subject: 'tenants/forged', decision: 'allow' })
    await thief.stop()
    const accepted = await verified(await live())
    const recover = ['root', 'rotate', ...NEW_KEYS, '--recover', right]
    await run(...recover)
    for (const file of ['keyset.json', 'epoch.json']) await run('root', 'sign', `rotation/${file}`, '--key', 'root')
    expect(await run(...recover)).toMatchObject({ code: 0 })
    const head = await live()
    const { reader, root } = { reader: registry.repository, root: registry.root }
    expect(await verifyLedger({ reader, root, accepted, head })).toMatchObject({ epoch: 2 })
    expect((await verified(head)).state.tenants.size).toBe(0)
    const again = await runLoop(registry, 'thief')
    await again.reconcileNow()
    await again.stop()
    expect(await live()).toBe(head)
  })
})
