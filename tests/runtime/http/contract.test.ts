import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { validatorOf } from '../../../schemas/json-schema.ts'
import { ask, testRuntime, type TestRuntime } from '../../support/runtime-app.ts'

let runtime: TestRuntime
beforeEach(async () => {
  runtime = await testRuntime()
})
afterEach(() => runtime.close())

async function matches(schema: 'http/execute-response' | 'http/problem', response: Response): Promise<void> {
  const validate = validatorOf(schema, 'every')
  const body: unknown = await response.json()
  expect(validate(body), JSON.stringify([validate.errors, body])).toBe(true)
}

describe('what leaves the Runtime', () => {
  it('is an answer of the published shape', async () => {
    await matches('http/execute-response', await runtime.app.request('/execute', ask({ input: { question: 'x' } })))
  })

  it('or a problem of the published shape', async () => {
    const refused = [
      ask({}),
      ask('{'),
      ask(undefined),
      ask({}, { 'content-type': 'text/plain' }),
      ask({}, { 'x-tenant-id': undefined }),
      ask({}, { 'x-api-key': 'x' }),
      { method: 'GET' },
    ]
    for (const init of refused) await matches('http/problem', await runtime.app.request('/execute', init))
  })

  it('is described by a document whose references all lead somewhere', async () => {
    const text = await (await runtime.app.request('/openapi.json')).text()
    const document = JSON.parse(text) as { components: { schemas: Record<string, unknown> } }
    const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '')
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !(name in document.components.schemas))).toEqual([])
    expect(text).not.toMatch(/"\$ref":"(?!#)/)
  })
})
