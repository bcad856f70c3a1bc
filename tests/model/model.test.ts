import { describe, expect, it } from 'vitest'
import { worldWith } from './commands.ts'
import { explore } from './explore.ts'
import { entryViolations } from './invariants.ts'
import { replayRandomWays } from './random-ways.ts'
import { replayWay } from './replay.ts'
import { settle } from './rules.ts'
import { SCOPES, type Scope } from './scopes.ts'
import { WAYS } from './ways.ts'

const START = { seq: 4, settingsSeq: 1 }
const everything = SCOPES.find(({ name }) => name === 'everything') as Scope

/** The model explored, and replayed against a real controller. `npm run faults -- model` goes deeper. */
describe('the rules of promotion', () => {
  it.each(SCOPES)('lead to no state that breaks a promise: $name', ({ rules, commands, depth }) => {
    const explored = explore(worldWith(rules, START), commands, depth.short)
    expect(explored.violations).toEqual([])
    expect(explored.depth).toBe(depth.short)
    expect(explored.states).toBeGreaterThan(200)
  })

  it('are watched by invariants that see a promotion which nobody approved', () => {
    const start = worldWith(everything.rules, START)
    const content = { ...start.commits[0]!.content, candidate: 1, current: 1 } as const
    const world = { ...start, commits: [...start.commits, { id: 1, parent: 0, content }], tip: 1 }
    const [entry] = settle(world).written
    expect(entryViolations(world, entry!)).toEqual([])
    const held = { version: 1, seq: entry!.after.seq, since: 0, stack: [{ version: 1, until: null }] } as const
    const forged = { ...entry!, after: { ...entry!.after, current: held } }
    expect(entryViolations(world, forged)).toContain('current moved to 1: nobody approved it')
  })

  it.each(WAYS)('are what a real controller does: $name', { timeout: 60_000 }, async ({ way, rules, controllers }) => {
    expect(await replayWay(way, rules, controllers)).toBe(way.length)
  })

  it.each([
    { controllers: 1, seed: 1 },
    { controllers: 2, seed: 2 },
  ] as const)(
    'are what $controllers real controllers do on random ways',
    { timeout: 120_000 },
    async ({ controllers, seed }) => {
      const steps = await replayRandomWays(everything, { runs: 4, length: 60, seed, controllers })
      expect(steps).toBeGreaterThan(30)
    },
  )
})
