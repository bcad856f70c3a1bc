import * as crypto from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { authenticate, isOperator } from '../../../runtime/http/authenticate.ts'
import { AUTH_FAILURES, AUTH_NOW, AUTH_TENANTS } from '../../support/auth-failures.ts'
import { apiKey, ask, testRuntime } from '../../support/runtime-app.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

vi.mock('node:crypto', async (original) => {
  const real = await original<typeof crypto>()
  return { ...real, hash: vi.fn(real.hash), timingSafeEqual: vi.fn(real.timingSafeEqual) }
})

const good = apiKey('acme')
const table = { tenant: (name: string) => AUTH_TENANTS.get(name) ?? null }
/** Beside those that a caller can bring about, what a damaged registry would. */
const FAILURES = [
  ...AUTH_FAILURES,
  ['a key that is no key', 'acme', 'x'] as const,
  ['a key whose stored hash is torn (H17)', 'acme', apiKey('acme', 'torn')] as const,
]

describe('authentication', () => {
  beforeEach(() => {
    vi.mocked(crypto.hash).mockClear()
    vi.mocked(crypto.timingSafeEqual).mockClear()
  })

  /** What was hashed and compared: how often, and over how many bytes. */
  function work(): unknown {
    return {
      hashed: vi.mocked(crypto.hash).mock.calls.map(([algorithm]) => algorithm),
      compared: vi.mocked(crypto.timingSafeEqual).mock.calls.map(([a, b]) => [a.byteLength, b.byteLength]),
    }
  }

  it('takes a good key, with one hash and one comparison', () => {
    expect(authenticate(table, 'acme', good, AUTH_NOW)).toMatchObject({ keyId: 'k1' })
    expect(work()).toEqual({ hashed: ['sha256'], compared: [[32, 32]] })
  })

  it.each(FAILURES)('refuses %s with the same work (H18)', (_kind, tenant, key) => {
    expect(thrownReason(() => authenticate(table, tenant, key, AUTH_NOW))).toBe('UNAUTHENTICATED')
    expect(work()).toEqual({ hashed: ['sha256'], compared: [[32, 32]] })
  })

  it.each([null, 'x', good])('refuses the operator key %s with the same work, also where there is none', (key) => {
    for (const expected of [null, Buffer.alloc(32, 1)]) {
      vi.mocked(crypto.hash).mockClear()
      vi.mocked(crypto.timingSafeEqual).mockClear()
      expect(isOperator(key, expected)).toBe(false)
      expect(work()).toEqual({ hashed: ['sha256'], compared: [[32, 32]] })
    }
  })

  it('answers every kind of failure with the same bytes (H18)', async () => {
    const runtime = await testRuntime()
    try {
      for (const [name, tenant] of AUTH_TENANTS) runtime.tenants.set(name, tenant)
      const answers = new Set<string>()
      for (const [, tenant, key] of FAILURES) {
        const headers = { 'x-tenant-id': tenant, 'x-api-key': key, 'x-request-id': 'same' }
        const response = await runtime.app.request('/execute', ask({ input: { question: 'x' } }, headers))
        answers.add(JSON.stringify([response.status, [...response.headers], await response.text()]))
      }
      expect([...answers]).toHaveLength(1)
      expect([...answers][0]).toContain('UNAUTHENTICATED')
    } finally {
      await runtime.close()
    }
  })
})
