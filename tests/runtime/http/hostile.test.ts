import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, testRuntime, type TestRuntime } from '../../support/runtime-app.ts'

let runtime: TestRuntime
beforeAll(async () => {
  runtime = await testRuntime({ monotonicMs: () => performance.now() })
})
afterAll(() => runtime.close())

const question = { input: { question: 'x' } }

/** The reason of a refusal, or `answered`. Anything that is neither fails the test. */
async function outcome(path: string, init: RequestInit): Promise<string> {
  const response = await runtime.app.request(path, init)
  const body = (await response.json()) as { reason_code?: string; outcome?: string }
  if (response.status === 200) return body.outcome ?? 'none'
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return body.reason_code ?? 'none'
}

const BODY_REASONS = ['answered', 'G10_BODY_PARSE_ERROR', 'INPUT_INVALID', 'BODY_MISSING']

describe('POST /execute has one of its reasons', () => {
  it('for any bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(bytes, async (body) => {
        const init = { ...ask(question), body: Buffer.from(body) }
        expect(BODY_REASONS).toContain(await outcome('/execute', init))
      }),
    )
  })

  it('for any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json({ maxDepth: 40 }), async (body) => {
        expect(BODY_REASONS).toContain(await outcome('/execute', ask(body)))
      }),
    )
  })

  it('for any JSON in the place of any member', async () => {
    const member = fc.constantFrom('input', 'intent', 'alias', 'explain', '__proto__')
    await fc.assert(
      fc.asyncProperty(member, fc.jsonValue(), async (name, value) => {
        const body = JSON.stringify({ ...question, [name]: value })
        expect([...BODY_REASONS, 'FORBIDDEN', 'NO_CURRENT_BUNDLE']).toContain(await outcome('/execute', ask(body)))
      }),
    )
  })

  it('for any header values', async () => {
    const value = fc.string({ maxLength: 80 }).map((text) => text.replace(/[^\t\x20-\x7e]/g, ''))
    const name = fc.constantFrom(
      'x-tenant-id',
      'x-api-key',
      'x-request-id',
      'x-user-id',
      'content-type',
      'content-encoding',
      'content-length',
    )
    const allowed = [
      'answered',
      'UNAUTHENTICATED',
      'RATE_LIMITED',
      'REQUEST_INVALID',
      'UNSUPPORTED_MEDIA_TYPE',
      'PAYLOAD_TOO_LARGE',
      'BODY_MISSING',
    ]
    await fc.assert(
      fc.asyncProperty(name, value, async (header, text) => {
        expect(allowed).toContain(await outcome('/execute', ask(question, { [header]: text })))
      }),
    )
  })
})

describe('a path', () => {
  it('that is not in the matrix is denied, however it is spelt', async () => {
    const paths = fc
      .webPath()
      .filter((path) => !['/healthz', '/readyz', '/version', '/status', '/metrics', '/openapi.json'].includes(path))
    await fc.assert(
      fc.asyncProperty(paths, async (path) => {
        expect(await outcome(`/${path.replace(/^\/+/, '')}x`, { method: 'GET' })).toBe('G8_UNKNOWN_ACTION')
      }),
    )
  })
})
