import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { storm } from '../../support/promotion-storm.ts'
import {
  asks,
  openWorkerWorld,
  recorded,
  statusOf,
  stopProcess,
  type WorkerWorld,
} from '../../support/running-workers.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

let world: WorkerWorld
beforeEach(async () => {
  world = await openWorkerWorld()
})
afterEach(() => world.close())

it('answers without a failure or a mixture while 60 promotions come at the rate of 1,000 a minute', async () => {
  const runtime = await world.start()
  const seen = await storm(world, runtime.url, { promotions: 60, withinMs: 3_600, clients: 4 })
  expect(seen.failed).toEqual([])
  expect(seen.mixed).toEqual([])
  expect(seen.promotions).toBe(60)
  expect(seen.versions.size).toBeGreaterThan(1)
  const { seq } = world.registry.ledger.head
  await eventually(
    async () => (await statusOf(runtime.url)).seq,
    (found) => found === seq,
  )
  const after = await asks(runtime.url, 10)
  expect(new Set(after.map(({ body }) => body.bundle.version))).toEqual(new Set(['2.0.0']))
  await stopProcess(runtime)
  expect((await recorded(world.dir)).flat()).toHaveLength(seen.answers + after.length)
})
