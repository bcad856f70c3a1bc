import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCommand } from '../../support/author-clone.ts'
import { eventually } from '../../support/eventually.ts'
import {
  allowed,
  ask,
  asks,
  FAST,
  isAlive,
  metricsOf,
  openWorkerWorld,
  recorded,
  statusOf,
  stopProcess,
  workerPids,
  type Answer,
  type WorkerWorld,
} from '../../support/running-workers.ts'

// Each starts processes, three and more.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

let world: WorkerWorld

beforeEach(async () => {
  world = await openWorkerWorld()
})
afterEach(() => world.close())

describe('a Runtime with workers', () => {
  it('answers from all of them, and each has the records of its answers in a log of its own', async () => {
    const runtime = await world.start()
    const answers = await asks(runtime.url, 40)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const { audit: all, workers, tenants, limits } = await statusOf(runtime.url)
    expect(all).toMatchObject({ size: 41, healthy: true })
    expect(workers.map(({ worker, may_serve }) => [worker, may_serve])).toEqual([
      [1, true],
      [2, true],
    ])
    expect(limits.store).toBe('cluster')
    expect(tenants['retail']?.executions).toEqual({ governed: 40, all: 40 })
    const metrics = await metricsOf(runtime.url)
    expect(metrics).toContain('http_requests_total{action="execute",status="200",method="POST"} 40')
    expect(metrics).toContain('contractor_governed_execution_ratio{tenant="retail"} 1')
    expect(metrics).toContain('contractor_audit_healthy 1')
    expect(await stopProcess(runtime)).toEqual([0, null])
    const logs = await recorded(world.dir)
    expect(logs).toHaveLength(2)
    expect(logs.every((ids) => ids.length > 0)).toBe(true)
    expect(logs.flat().sort()).toEqual(answers.map(({ id }) => id).sort())
    const dir = join(world.dir, 'state', 'audit')
    const cli = async (name: string, args: string[] = [], more: object = {}) => {
      const { out } = await runCommand(`audit ${name}`, args, { dir, json: true, ...more }, { cwd: dir, env: {} })
      return out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    }
    expect((await cli('verify')).map(({ verdict }) => verdict)).toEqual(['pass', 'pass'])
    for (const { id } of answers.slice(0, 4)) {
      const [proved] = await cli('prove', [id])
      expect(JSON.parse(proved?.['record'] as string)).toMatchObject({ request_id: id })
    }
    expect((await cli('tail', [], { last: '100' })).length).toBeGreaterThanOrEqual(41)
    expect((await cli('export')).length).toBeGreaterThanOrEqual(41)
  })

  it('shares one window, one quota and one user among its workers, also without them', async () => {
    const seal = await world.registry.seal('1.0.1', FAST)
    await world.addTenant('small', { limits: { execute_per_minute: 10 } })
    await world.addTenant('daily', { quota: { per_day: 7 } })
    await world.addTenant('users', { limits: { execute_per_user_per_minute: 4 } })
    for (const tenant of ['small', 'daily', 'users']) await world.registry.ledger.promote(tenant, 'current', seal)
    await world.publish()
    const runtime = await world.start()
    expect(allowed(await asks(runtime.url, 30, 'small'))).toBe(10)
    expect(allowed(await asks(runtime.url, 30, 'daily'))).toBe(7)
    expect(allowed(await asks(runtime.url, 30, 'users', { 'x-user-id': 'mia' }))).toBe(4)
    await stopProcess(runtime)
    await rm(join(world.dir, 'state', 'quotas.json'))
    // A Runtime without workers reads what was answered from the logs of those that were.
    const alone = await world.start({ CONTRACTOR_WORKERS: '1' })
    expect((await ask(alone.url, 'daily')).body.reason_code).toBe('QUOTA_EXCEEDED')
  })

  it('gives all invalid keys one bucket, whichever worker they come to, and nobody loses a counter for them', async () => {
    const runtime = await world.start({ CONTRACTOR_INVALID_KEYS_PER_MINUTE: '50' })
    expect((await ask(runtime.url)).status).toBe(200)
    const strangers = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        ask(runtime.url, at % 2 === 0 ? 'retail' : `made-up-${at}`, {
          'x-api-key': `ctr_retail_k${at}_${'b'.repeat(64)}`,
        }),
      ),
    )
    expect(strangers.filter(({ status }) => status === 401)).toHaveLength(50)
    expect(strangers.filter(({ status }) => status === 429)).toHaveLength(150)
    expect(allowed(await asks(runtime.url, 20))).toBe(20)
    expect((await statusOf(runtime.url)).limits).toMatchObject({ store: 'cluster', healthy: true, failures: 0 })
  })

  it('serves a promotion from every worker before /status says so', async () => {
    const runtime = await world.start()
    const seal = await world.registry.seal('1.1.0', FAST)
    await world.registry.ledger.promote('retail', 'current', seal)
    await world.publish()
    await eventually(
      async () => (await statusOf(runtime.url)).tenants['retail']?.aliases.current.version,
      (found) => found === '1.1.0',
    )
    const answers = await asks(runtime.url, 20)
    expect(new Set(answers.map(({ body }) => body.bundle.version))).toEqual(new Set(['1.1.0']))
  })

  it('starts a worker again that died, which goes on with its log; counts never go down', async () => {
    const runtime = await world.start()
    await asks(runtime.url, 20)
    await metricsOf(runtime.url)
    const [victim = 0] = workerPids(runtime)
    process.kill(victim, 'SIGKILL')
    await eventually(
      async () => isAlive(victim),
      (alive) => !alive,
    )
    await eventually(
      async () => (await statusOf(runtime.url).catch(() => null))?.workers.length,
      (count) => count === 2 && runtime.errors().includes('is started again'),
    )
    const answers = await asks(runtime.url, 20)
    expect(allowed(answers)).toBe(20)
    expect(await metricsOf(runtime.url)).toContain('{action="execute",status="200",method="POST"} 40')
    expect(await stopProcess(runtime)).toEqual([0, null])
    expect((await recorded(world.dir)).flat()).toHaveLength(40)
  })

  it('leaves no worker behind when its primary is killed', async () => {
    const runtime = await world.start()
    await asks(runtime.url, 10)
    const pids = workerPids(runtime)
    expect(pids).toHaveLength(2)
    runtime.child.kill('SIGKILL')
    await eventually(
      async () => pids.filter(isAlive),
      (alive) => alive.length === 0,
    )
    await expect(ask(runtime.url)).rejects.toThrow()
    expect((await ask((await world.start()).url)).status).toBe(200)
  })

  it('lets running requests end on SIGTERM, and has the record of each', async () => {
    const runtime = await world.start()
    const answers: Answer[] = []
    const clients = [1, 2, 3, 4].map(async () => {
      for (;;) {
        const answer = await ask(runtime.url).catch(() => null)
        if (answer === null) return
        answers.push(answer)
      }
    })
    await eventually(
      async () => answers.length,
      (count) => count > 20,
    )
    expect(await stopProcess(runtime)).toEqual([0, null])
    await Promise.all(clients)
    expect(allowed(answers)).toBe(answers.length)
    expect((await recorded(world.dir)).flat().sort()).toEqual(answers.map(({ id }) => id).sort())
  })

  it('ends with 2 and the reason when its port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const second = await world.start({ CONTRACTOR_RUNTIME_PORT: String(port) })
    taken.close()
    expect(second.url).toContain('PORT_TAKEN')
    expect(second.child.exitCode).toBe(2)
  })
})
