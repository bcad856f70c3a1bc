import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createClient, Refused } from '../../../schemas/http/client.ts'

type Seen = { url: string | undefined; headers: IncomingHttpHeaders; body: unknown }
let close = () => {}
afterEach(() => close())

async function runtimeThatAnswers(status: number, body: unknown, headers: Record<string, string> = {}) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push({ url: request.url, headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
      response.writeHead(status, headers).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  close = () => server.close()
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

it('sends the input with the tenant, the key and what else was given, and returns the answer', async () => {
  const { url, seen } = await runtimeThatAnswers(200, { outcome: 'answered' })
  const client = createClient({ url, tenant: 'acme', apiKey: 'secret' })
  expect(await client.execute({ question: 'Hi' }, { alias: 'candidate', requestId: 'r1', userId: 'u1' })).toEqual({
    outcome: 'answered',
  })
  expect(seen[0]).toMatchObject({
    url: '/execute',
    headers: { 'x-tenant-id': 'acme', 'x-api-key': 'secret', 'x-request-id': 'r1', 'x-user-id': 'u1' },
    body: { input: { question: 'Hi' }, alias: 'candidate' },
  })
})

it('throws a refusal with its reason code and when to come back', async () => {
  const problem = {
    type: 'x',
    title: 'Limited.',
    status: 429,
    detail: 'limited',
    hint: 'wait',
    reason_code: 'RATE_LIMITED',
    request_id: 'r',
  }
  const { url } = await runtimeThatAnswers(429, problem, { 'Retry-After': '7' })
  const refusal = await createClient({ url, tenant: 'acme', apiKey: 'secret' })
    .execute({})
    .catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(Refused)
  expect(refusal).toMatchObject({ problem, retryAfterS: 7 })
  expect(String(refusal)).not.toContain('secret')
})
