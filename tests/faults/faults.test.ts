// First: it loads what meets the functions of node:fs, before anything of the product keeps one of them.
import { sweep } from './sweep.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audits } from './audit-scenario.ts'
import { FAULT_KINDS } from './fault-kinds.ts'
import { fetches } from './fetch-scenarios.ts'
import { promotion, seal } from './registry-scenarios.ts'
import { runtime } from './runtime-scenario.ts'
import { CLIENTS, sweepTransport, TRANSPORT_FAULTS } from './transport.ts'

/**
 * A few points of the sweep that `npm run faults` does point by point. Steps are prime and differ, so that the points
 * are not those of one kind of operation only.
 */
const SHORT = [
  [promotion, 'SIGKILL', 71],
  [promotion, 'SIGKILL, process', 150],
  [promotion, 'EMFILE', 151],
  [promotion, 'power loss', 61],
  [promotion, 'clock +10 y', 5],
  [seal, 'SIGKILL', 113],
  [seal, 'ENOSPC', 83],
  [seal, 'EIO', 127],
  [seal, 'power loss, names', 97],
  [runtime, 'SIGKILL', 7],
  [runtime, 'EIO', 43],
  [runtime, 'power loss', 11],
  [fetches[0]!, 'SIGKILL', 29],
  [audits[0]!, 'torn write', 3],
  [audits[0]!, 'failed fsync', 7],
  [audits[1]!, 'SIGKILL', 11],
  [audits[1]!, 'power loss', 5],
] as const

const FIRST_POINTS_OF_HTTP = 5

describe('a program that met a fault', () => {
  let folder: string
  const templates = new Map<string, Promise<string>>()
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'faults-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const templateOf = (scenario: (typeof SHORT)[number][0]): Promise<string> => {
    const path = join(folder, scenario.name)
    const made = templates.get(scenario.name) ?? scenario.prepare(path).then(() => path)
    templates.set(scenario.name, made)
    return made
  }

  it.each(SHORT.map(([scenario, ...rest]) => [scenario.name, ...rest, scenario] as const))(
    'keeps every invariant: %s, %s',
    { timeout: 60_000 },
    async (_, name, step, scenario) => {
      const fault = FAULT_KINDS.find((each) => each.name === name)
      if (fault === undefined) throw new Error(`no fault is called ${name}`)
      const { points, violations } = await sweep(scenario, fault, await templateOf(scenario), { step })
      expect(violations).toEqual([])
      expect(points).toBeGreaterThan(0)
    },
  )

  it('keeps every invariant when the answer to a push is lost', { timeout: 60_000 }, async () => {
    const lost = TRANSPORT_FAULTS.find(({ name }) => name === 'answer lost')
    if (lost === undefined) throw new Error('no fault is called so')
    const { points, violations } = await sweepTransport(CLIENTS[0], lost, await templateOf(promotion), {
      step: FIRST_POINTS_OF_HTTP,
    })
    expect(violations).toEqual([])
    expect(points).toBeGreaterThan(0)
  })
})
