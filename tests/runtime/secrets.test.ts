import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCollector, type Collector } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { openFollowedRegistry, type FollowedRegistry } from '../support/followed-registry.ts'
import { apiKey, storedKey } from '../support/runtime-app.ts'
import { temporaryFolder } from '../support/ssh-keygen.ts'

const canary = (slot: string) => `CANARY_${slot}_7f3a91c2d4e5`
/** Every place of a Runtime that a secret can stand in. */
const SLOTS = {
  operatorKey: `${canary('operator')}_0123456789abcdef`,
  checkpointKey: `${canary('checkpoint')}_0123456789abcdef`,
  registryToken: canary('registry'),
  copyToken: canary('copy'),
  copyFileToken: canary('copyfile'),
  question: canary('question'),
  user: canary('user'),
  wrongKey: canary('wrongkey'),
  authorization: canary('authorization'),
  cookie: canary('cookie'),
  requestId: `${canary('requestid')};`,
  body: canary('body'),
  path: canary('path'),
  query: canary('query'),
  tenant: canary('tenant'),
}

let registry: FollowedRegistry
let collectors: { lines: Collector; otlp: Collector; controller: Collector }
let child: ChildProcess
let dir: string
/** Everything that left the process, by where it was seen. */
const seen = new Map<string, string>()
const told = (where: string, text: string) => void seen.set(where, (seen.get(where) ?? '') + text)

async function filesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true })
  const paths = names.map((name) => join(folder, name))
  const files = await Promise.all(paths.map(async (path) => ((await stat(path)).isFile() ? [path] : [])))
  return files.flat()
}

async function ask(url: string, path: string, init: RequestInit): Promise<number> {
  const response = await fetch(`${url}${path}`, init)
  told(`answer of ${path.slice(0, 9)}`, JSON.stringify([...response.headers]) + (await response.text()))
  return response.status
}

beforeAll(async () => {
  dir = await temporaryFolder()
  registry = await openFollowedRegistry()
  const keys = [storedKey(apiKey('retail'), 'k1', ['execute', 'execute:candidate', 'status', 'explain'])]
  await registry.ledger.addTenant('retail', { keys })
  await registry.ledger.promote('retail', 'current', await registry.seal('1.0.0'))
  await registry.setRef('refs/heads/live', registry.ledger.head.oid)
  await registry.setRef('refs/heads/heartbeat', await registry.ledger.heartbeat({ signedAt: new Date() }))
  await writeFile(join(dir, 'root.json'), JSON.stringify(registry.ledger.root))
  collectors = { lines: await openCollector(), otlp: await openCollector(), controller: await openCollector() }
  collectors.controller.answer = { status: 503, body: '{"reason_code":"STARTING","detail":"not yet"}' }
  await writeFile(join(dir, 'token'), SLOTS.copyFileToken)
  await writeFile(
    join(dir, 'copies.yaml'),
    `copies:
  - { name: out, to: stdout }
  - { name: lines, to: http, url: "${collectors.lines.url}", token_env: COPY_TOKEN, required: true }
  - { name: otel, to: otlp, url: "${collectors.otlp.url}", token_file: "${join(dir, 'token')}", token_header: X-Api-Key }
`,
  )
  const env = {
    PATH: process.env['PATH'],
    CONTRACTOR_REGISTRY: registry.location,
    CONTRACTOR_REGISTRY_TOKEN: SLOTS.registryToken,
    CONTRACTOR_TRUST: join(dir, 'root.json'),
    CONTRACTOR_STATE_DIR: join(dir, 'state'),
    CONTRACTOR_RUNTIME_PORT: '0',
    CONTRACTOR_NODE: 'node-1',
    CONTRACTOR_OPERATOR_KEY: SLOTS.operatorKey,
    CONTRACTOR_CONTROLLER_URL: collectors.controller.url.replace('/v1/logs', ''),
    CONTRACTOR_CHECKPOINT_KEY: SLOTS.checkpointKey,
    CONTRACTOR_AUDIT_COPIES: join(dir, 'copies.yaml'),
    CONTRACTOR_LOG_LEVEL: 'debug',
    COPY_TOKEN: SLOTS.copyToken,
  }
  const main = fileURLToPath(new URL('../../runtime/main.js', import.meta.url))
  child = fork(main, [], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  child.stdout?.on('data', (chunk: Buffer) => told('standard output', chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => told('the log', chunk.toString()))
  const url = await eventually(
    async () => /"url":"(http:[^"]+)"/.exec(seen.get('the log') ?? '')?.[1] ?? '',
    (found) => found !== '',
  )
  const good = { 'content-type': 'application/json', 'x-tenant-id': 'retail', 'x-api-key': apiKey('retail') }
  const post = (headers: Record<string, string>, body: string): RequestInit => ({ method: 'POST', headers, body })
  const question = JSON.stringify({ input: { question: `${SLOTS.question} when will my card arrive` } })
  const more = { 'x-user-id': SLOTS.user, authorization: SLOTS.authorization, cookie: SLOTS.cookie }
  expect(await ask(url, '/execute', post({ ...good, ...more }, question))).toBe(200)
  expect(await ask(url, '/execute', post({ ...good, 'x-request-id': SLOTS.requestId }, question))).toBe(200)
  expect(await ask(url, '/execute', post({ ...good, 'x-api-key': SLOTS.wrongKey }, question))).toBe(401)
  expect(await ask(url, '/execute', post({ ...good, 'x-tenant-id': SLOTS.tenant }, question))).toBe(401)
  expect(await ask(url, '/execute', post(good, `{"${SLOTS.body}`))).toBe(400)
  expect(await ask(url, '/execute', post(good, JSON.stringify({ input: { [SLOTS.body]: SLOTS.body } })))).toBe(422)
  expect(await ask(url, `/${SLOTS.path}?${SLOTS.query}`, {})).toBe(404)
  const operator = { headers: { 'x-api-key': SLOTS.operatorKey } }
  for (const path of ['/status', '/metrics', '/readyz', '/version', '/openapi.json'])
    expect(await ask(url, path, operator)).toBe(200)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
  for (const [name, { requests }] of Object.entries(collectors))
    told(`what ${name} was sent`, requests.map(({ body, url: path }) => path + body).join('\n'))
  for (const path of await filesBelow(join(dir, 'state'))) told('files', `${path}\n${await readFile(path, 'latin1')}`)
}, 60_000)
afterAll(async () => {
  child.kill('SIGKILL')
  for (const collector of Object.values(collectors)) await collector.close()
  await registry.close()
  await rm(dir, { recursive: true, force: true })
})

describe('a secret planted in every slot (I)', () => {
  it('had every output looked at', () => {
    for (const where of ['standard output', 'the log', 'files', 'what lines was sent', 'what otlp was sent'])
      expect(seen.get(where)?.length, where).toBeGreaterThan(200)
    expect(seen.get('standard output')).toContain('"reason_code":"ALLOWED"')
    expect(collectors.lines.requests[0]?.headers.authorization).toBe(`Bearer ${SLOTS.copyToken}`)
    expect(collectors.otlp.requests[0]?.headers['x-api-key']).toBe(SLOTS.copyFileToken)
    expect(collectors.controller.requests[0]?.headers['x-api-key']).toBe(SLOTS.checkpointKey)
  })

  it.each(Object.entries(SLOTS))('%s appears in no answer, log line, file or copy', (_slot, secret) => {
    const [core = ''] = /CANARY_[a-z]+_[0-9a-f]+/.exec(secret) ?? []
    const places = [...seen].filter(([, text]) => text.includes(core)).map(([where]) => where)
    // An input that breaks its contract is told which of its own members does.
    expect(places.filter((where) => !(core === canary('body') && where === 'answer of /execute'))).toEqual([])
  })

  it('the key of a tenant appears nowhere, nor does any of the answer beside the answer itself', () => {
    const places = (text: string) => [...seen].filter(([, found]) => found.includes(text)).map(([where]) => where)
    expect(places('a'.repeat(64))).toEqual([])
    // The cache of bundles has the template that it comes from.
    expect(places('three days').filter((where) => where !== 'files')).toEqual(['answer of /execute'])
  })
})
