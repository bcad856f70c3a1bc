import { describe, expect, it } from 'vitest'
import { effectivePolicies, floorFor, type FloorPolicies } from '../../../runtime/engine/policies.ts'
import type { Policies } from '../../../schemas/registry/policies.ts'

const BUNDLE: Required<Omit<Policies, 'llm'>> = {
  security: { allowed_intents: ['*'], max_input_chars: 500, allowed_aliases: ['current', 'candidate'], explain: true },
  rate_limit: { execute: { per_minute: 60 } },
  redaction: { rules: [{ name: 'a', pattern: 'aaa', replacement: '' }] },
  cache: { enabled: true, ttl_s: 60, max_entries: 100 },
  rag: { enabled: true, max_passages: 5, min_score: 0.2 },
}

describe('the policies in force', () => {
  it('are the bundle’s own where there is no floor', () => {
    expect(effectivePolicies(BUNDLE, [])).toEqual(BUNDLE)
  })

  it('take the strictest rule of bundle and floors', () => {
    const floors: FloorPolicies[] = [
      {
        security: {
          allowed_intents: ['a', 'b'],
          allowed_locales: ['en', 'pt-BR'],
          max_input_chars: 300,
          allowed_aliases: ['current'],
          explain: false,
        },
        rate_limit: { execute: { per_minute: 100, per_user_per_minute: 5, per_day: 900, per_user_per_month: 70 } },
        redaction: {
          rules: [
            { name: 'b', pattern: 'bbb', replacement: '' },
            { name: 'same', pattern: 'aaa', replacement: 'x' },
          ],
        },
      },
      {
        security: {
          allowed_intents: ['b', 'c'],
          allowed_locales: ['PT-br'],
          max_input_chars: 900,
          allowed_aliases: ['current', 'candidate'],
        },
        cache: { enabled: true, ttl_s: 10, max_entries: 1_000 },
        rag: { enabled: false, max_passages: 2, min_score: 0.1 },
      },
    ]
    expect(effectivePolicies(BUNDLE, floors)).toEqual({
      security: {
        allowed_intents: ['b'],
        allowed_locales: ['pt-BR'],
        max_input_chars: 300,
        allowed_aliases: ['current'],
        explain: false,
      },
      rate_limit: { execute: { per_minute: 60, per_user_per_minute: 5, per_day: 900, per_user_per_month: 70 } },
      redaction: {
        rules: [
          { name: 'a', pattern: 'aaa', replacement: '' },
          { name: 'b', pattern: 'bbb', replacement: '' },
        ],
      },
      cache: { enabled: true, ttl_s: 10, max_entries: 100 },
      rag: { enabled: false, max_passages: 2, min_score: 0.2 },
    })
  })

  it('leave alone what a floor says nothing about', () => {
    expect(effectivePolicies(BUNDLE, [{ security: { max_input_chars: 10 }, cache: { ttl_s: 5 }, rag: {} }])).toEqual({
      ...BUNDLE,
      security: { ...BUNDLE.security, max_input_chars: 10 },
      cache: { ...BUNDLE.cache, ttl_s: 5 },
    })
  })

  it('hold for the tenants that have all the labels of the floor', () => {
    const rules = { max_input_chars: 10 }
    const floors = { security: { tenants: { region: 'eu', tier: 'gold' }, rules } }
    expect(floorFor(floors, { region: 'eu', tier: 'gold', x: 'y' })).toEqual({ security: rules })
    expect(floorFor(floors, { region: 'eu' })).toEqual({})
    expect(floorFor({ security: { tenants: {}, rules } }, {})).toEqual({ security: rules })
    expect(floorFor({ security: { tenants: { toString: 'x' }, rules } }, {})).toEqual({})
  })

  it('never get a cache or retrieval from a floor', () => {
    const { cache: _cache, rag: _rag, ...bare } = BUNDLE
    const floor: FloorPolicies = { cache: BUNDLE.cache, rag: BUNDLE.rag, llm: { enabled: true } }
    expect(Object.keys(effectivePolicies(bare, [floor])).sort()).toEqual(['rate_limit', 'redaction', 'security'])
  })

  it.each(['security', 'rate_limit', 'redaction'] as const)(
    'are missing without %s in the bundle, even if a floor has it',
    (kind) => {
      const { [kind]: left, ...rest } = BUNDLE
      expect(() => effectivePolicies(rest, [{ [kind]: left }])).toThrow(
        expect.objectContaining({ reason: 'POLICY_MISSING' }),
      )
    },
  )
})
