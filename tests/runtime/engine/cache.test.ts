import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { loadBundle, underFloor } from '../../../runtime/bundle/load.ts'
import { createResponseCache, executeCached } from '../../../runtime/engine/cache.ts'
import type { Execution, ExecutionRequest } from '../../../runtime/engine/execute.ts'
import { bundleSource } from '../../support/bundle-source.ts'

const bundle = loadBundle(compileBundle(bundleSource(), 1).files)
const SCOPE = { tenant: 'acme', valuesDigest: 'v1', policiesDigest: 'p1' }

function start(maxTotal = 100) {
  const clock = { ms: 0 }
  const cache = createResponseCache({ now: () => clock.ms, maxTotal })
  const ask = (
    question: string,
    {
      scope = SCOPE,
      from = bundle,
      ...rest
    }: Partial<ExecutionRequest> & { scope?: typeof SCOPE; from?: typeof bundle } = {},
  ) =>
    executeCached(
      cache,
      scope,
      from,
      { input: { question }, intent: null, alias: 'current', explain: false, ...rest },
      {},
    )
  return { clock, cache, ask }
}

describe('the response cache', () => {
  it('gives the same answer again, for as long as the policy says', () => {
    const { clock, ask } = start()
    const first = ask('my card')
    expect(first.cached).toBe(false)
    clock.ms = 59_999
    expect(ask('my card')).toEqual({ ...first, cached: true })
    clock.ms = 60_000
    expect(ask('my card').cached).toBe(false)
  })

  it('never gives an answer across tenants, values, policies or bundles', () => {
    const { ask } = start()
    ask('my card')
    expect(ask('my card', { scope: { ...SCOPE, tenant: 'globex' } }).cached).toBe(false)
    expect(ask('my card', { scope: { ...SCOPE, valuesDigest: 'v2' } }).cached).toBe(false)
    expect(ask('my card', { scope: { ...SCOPE, policiesDigest: 'p2' } }).cached).toBe(false)
    expect(ask('my card', { from: { ...bundle, digest: 'sha256:other' } }).cached).toBe(false)
    expect(ask('my card').cached).toBe(true)
  })

  it('tells questions, intents and explanations apart, and inputs that differ only in order not', () => {
    const { ask } = start()
    ask('my card')
    expect(ask('my  card').cached).toBe(false)
    expect(ask('my card', { explain: true }).cached).toBe(false)
    expect(ask('my card', { intent: 'card_lost' }).cached).toBe(false)
    ask('', { input: { question: 'a', locale: 'en' } })
    expect(ask('', { input: { locale: 'en', question: 'a' } }).cached).toBe(true)
  })

  it('keeps as many answers of a scope as the policy says, those asked for last', () => {
    const { cache, ask } = start()
    ask('one')
    ask('two')
    ask('one')
    ask('three')
    expect(cache.size()).toBe(2)
    expect(ask('one').cached).toBe(true)
    expect(ask('two').cached).toBe(false)
  })

  it('keeps a bounded number of answers in all', () => {
    const { cache, ask } = start(10)
    for (let index = 0; index < 50; index += 1) ask('my card', { scope: { ...SCOPE, tenant: `t${index}` } })
    expect(cache.size()).toBe(10)
    expect(ask('my card', { scope: { ...SCOPE, tenant: 't49' } }).cached).toBe(true)
    expect(ask('my card', { scope: { ...SCOPE, tenant: 't0' } }).cached).toBe(false)
  })

  it('refuses what the policy refuses, in any state of the cache', () => {
    const { ask } = start()
    ask('my card')
    const strict = underFloor(bundle, { security: { allowed_aliases: ['candidate'] } })
    expect(() => ask('my card', { from: strict })).toThrow(expect.objectContaining({ reason: 'FORBIDDEN' }))
  })

  it('stays out of the way where the policy says nothing, or no', () => {
    const { cache, ask } = start()
    const off = underFloor(bundle, { cache: { enabled: false } })
    ask('my card', { from: off })
    expect(ask('my card', { from: off }).cached).toBe(false)
    expect(cache.size()).toBe(0)
  })

  it('does not keep refusals', () => {
    const { cache, ask } = start()
    expect(() => ask('x'.repeat(500))).toThrow(expect.objectContaining({ reason: 'INPUT_INVALID' }))
    expect(cache.size()).toBe(0)
  })

  it('counts its answers right, whatever happens to them', () => {
    const { clock, cache } = start(5)
    const execution = { output: 1 } as unknown as Execution
    for (let step = 0; step < 500; step += 1) {
      const scope = `s${step % 3}`
      const key = `k${(step * 7) % 5}`
      if (step % 4 === 0) cache.get(scope, key)
      else cache.set(scope, key, execution, { ttlMs: (step % 10) + 1, maxEntries: 3 })
      clock.ms += step % 6
      expect(cache.size()).toBeGreaterThanOrEqual(0)
      expect(cache.size()).toBeLessThanOrEqual(5)
    }
  })
})
