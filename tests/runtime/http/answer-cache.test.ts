import { describe, expect, it } from 'vitest'
import { createAnswerCache } from '../../../runtime/http/answer-cache.ts'

const ACME = { tenant: 'acme' }
const TTL_MS = 60_000

function start(maxTotal = 100) {
  const cache = createAnswerCache<object, string>(maxTotal)
  const keep = (question: string, scope: object = ACME, { nowMs = 0, maxEntries = 10 } = {}) =>
    cache.put(scope, question, `answer to ${question}`, { expiresMs: nowMs + TTL_MS, maxEntries })
  const ask = (question: string, scope: object = ACME, nowMs = 0) => cache.get(scope, question, nowMs)
  return { cache, keep, ask }
}

describe('the cache of answers', () => {
  it('gives the same answer again, for as long as the policy says', () => {
    const { cache, keep, ask } = start()
    keep('my card')
    expect(ask('my card', ACME, TTL_MS - 1)).toBe('answer to my card')
    expect(ask('my card', ACME, TTL_MS)).toBeNull()
    expect(cache.size()).toBe(0)
  })

  it('never gives an answer to another text or in another scope, even one that looks alike', () => {
    const { keep, ask } = start()
    keep('my card')
    expect(ask('my  card')).toBeNull()
    expect(ask('my card', { tenant: 'globex' })).toBeNull()
    expect(ask('my card', { ...ACME })).toBeNull()
    expect(ask('my card')).not.toBeNull()
  })

  it('keeps as many answers of a scope as the policy says, those asked for last', () => {
    const { cache, keep, ask } = start()
    keep('one', ACME, { maxEntries: 2 })
    keep('two', ACME, { maxEntries: 2 })
    ask('one')
    keep('three', ACME, { maxEntries: 2 })
    expect(cache.size()).toBe(2)
    expect(ask('one')).not.toBeNull()
    expect(ask('two')).toBeNull()
    keep('four', ACME, { maxEntries: 0 })
    expect(ask('four')).toBeNull()
  })

  it('keeps a bounded number of answers in all, of the scopes that were written last', () => {
    const { cache, keep, ask } = start(10)
    const scopes = Array.from({ length: 50 }, (_, at) => ({ tenant: `t${at}` }))
    for (const scope of scopes) keep('my card', scope)
    expect(cache.size()).toBe(10)
    expect(ask('my card', scopes[49])).not.toBeNull()
    expect(ask('my card', scopes[0])).toBeNull()
  })

  it('counts its answers right, whatever happens to them', () => {
    const { cache } = start(5)
    const scopes = [{}, {}, {}]
    const kept = new Set<string>()
    for (let step = 0; step < 600; step += 1) {
      const scope = scopes[step % 3] as object
      const question = `k${(step * 7) % 5}`
      if (step % 4 === 0) cache.get(scope, question, step)
      else cache.put(scope, question, question, { expiresMs: step + (step % 10) + 1, maxEntries: 3 })
      kept.add(question)
      expect(cache.size()).toBeGreaterThanOrEqual(0)
      expect(cache.size()).toBeLessThanOrEqual(5)
    }
    for (const scope of scopes) for (const question of kept) cache.get(scope, question, 10_000)
    expect(cache.size()).toBe(0)
  })
})
