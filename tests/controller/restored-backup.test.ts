import { execFile } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openBundleStore } from '../../runtime/bundle/store.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { follow, type Follower } from '../../runtime/tenants/follow.ts'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import { faultReason } from '../support/fault-reason.ts'
import { quiet } from '../support/followed-registry.ts'
import { runLoop, type RunningLoop } from '../support/running-loop.ts'
import { openTestRegistry, type TestRegistry } from '../support/test-registry.ts'

const run = promisify(execFile)
const NOW = new Date('2026-01-02T00:00:00Z')

/** The registry of yesterday stands where the registry of today stood, as after a restored backup. */
describe('a restored backup of the registry', { timeout: 60_000 }, () => {
  let registry: TestRegistry
  let backup: string
  let clone: string
  let opened: Repository[]
  let loops: RunningLoop[]
  let followers: Follower[]
  /** `live` before and after what the backup has not. */
  let yesterday: string
  let today: string

  beforeEach(async () => {
    registry = await openTestRegistry()
    ;[backup, clone] = [join(registry.folder, 'backup.git'), join(registry.folder, 'clone.git')]
    ;[opened, loops, followers] = [[], [], []]
    await addTenant('one')
    yesterday = await live()
    await cp(registry.location, backup, { recursive: true, filter: (path) => !path.endsWith('.owner') })
    await addTenant('two')
    today = await live()
    await run('git', ['clone', '--quiet', '--mirror', registry.location, clone])
  })
  afterEach(async () => {
    for (const follower of followers) await follower.stop()
    for (const loop of loops) await loop.stop()
    for (const repository of opened) await repository.close()
    await registry.close()
  })

  async function reopened(): Promise<TestRegistry> {
    const repository = await openRepository(registry.location)
    opened.push(repository)
    return { ...registry, repository }
  }

  async function live(): Promise<string> {
    return (await (await reopened()).repository.readRef(LIVE_REF)) ?? ''
  }

  async function startController(memory?: string): Promise<RunningLoop> {
    const loop = await runLoop(await reopened(), memory, NOW)
    loops.push(loop)
    return loop
  }

  async function stop(loop: RunningLoop): Promise<void> {
    loops = loops.filter((each) => each !== loop)
    await loop.stop()
  }

  /** A tenant, decided by a controller that ends then. */
  async function addTenant(name: string): Promise<void> {
    const loop = await startController()
    await registry.commit({ [`tenants/${name}/tenant.yaml`]: 'status: active\n' })
    await loop.decided({ subject: `tenants/${name}`, decision: 'allow' })
    await stop(loop)
  }

  async function startRuntime(): Promise<Follower> {
    const follower = await follow({
      repository: (await reopened()).repository,
      root: registry.root,
      stateDir: join(registry.folder, 'runtime'),
      bundleStore: await openBundleStore({ folder: join(registry.folder, 'bundles'), maxBytes: 1e9, now: () => NOW }),
      runtimeVersion: '1.0.0',
      now: () => NOW,
      log: quiet,
      pollIntervalMs: 3_600_000,
      watch: false,
    })
    followers.push(follower)
    return follower
  }

  async function restoreBackup(): Promise<void> {
    await rm(registry.location, { recursive: true })
    await cp(backup, registry.location, { recursive: true })
  }

  /** What the runbook says where any clone has what the backup has not. */
  async function pushFromClone(): Promise<void> {
    const refs = ['refs/heads/main', 'refs/heads/live', '+refs/heads/heartbeat', 'refs/tags/*:refs/tags/*']
    await run('git', ['-C', clone, 'push', '--quiet', registry.location, ...refs])
  }

  it('is not followed by a Runtime, which serves on what it had and goes on when the truth returns', async () => {
    const before = await startRuntime()
    expect(before.status()).toMatchObject({ head: today })
    await before.stop()
    await restoreBackup()
    const runtime = await startRuntime()
    await runtime.sync()
    expect(runtime.status()).toMatchObject({ head: today, reason_code: 'ROLLBACK_DETECTED' })
    expect(runtime.tenant('two')).not.toBeNull()
    await pushFromClone()
    await runtime.sync()
    expect(runtime.status()).toMatchObject({ head: today, status: 'ready' })
  })

  it('stops a controller that remembers more, which writes nothing until it is given back', async () => {
    await restoreBackup()
    expect(await faultReason(() => startController())).toBe('OBJECT_MISSING')
    expect(await live()).toBe(yesterday)
    await pushFromClone()
    await addTenant('three')
    const { repository: reader } = await reopened()
    const { state } = await verifyLedger({ reader, root: registry.root, accepted: null, head: await live() })
    expect([...state.tenants.keys()].sort()).toEqual(['one', 'three', 'two'])
  })

  it('put in place under a running controller never makes live name what is not there', async () => {
    const loop = await startController()
    await restoreBackup()
    await loop.reconcileNow().catch(() => undefined)
    await loop.reconcileNow().catch(() => undefined)
    expect(await live()).toBe(yesterday)
    await pushFromClone()
    await loop.reconcileNow()
    expect(await live()).toBe(today)
  })

  it('continued by a controller that lost its memory too is a fork, which no Runtime follows', async () => {
    const before = await startRuntime()
    await before.stop()
    await restoreBackup()
    const loop = await startController('nothing-remembered')
    await registry.commit({ 'tenants/other/tenant.yaml': 'status: active\n' })
    await loop.decided({ subject: 'tenants/other', decision: 'allow' })
    await stop(loop)
    const runtime = await startRuntime()
    await runtime.sync()
    expect(runtime.status()).toMatchObject({ head: today, reason_code: 'EQUIVOCATION' })
    expect(runtime.tenant('two')).not.toBeNull()
  })
})
