import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommitStatus } from '../../../controller/forge/commit-status.ts'
import { openForgeClient, type ForgeClient } from '../../../controller/forge/forge-client.ts'
import { FORGES, type ForgeKind } from '../../../controller/forge/forge.ts'
import { openStatusQueue, type StatusQueue } from '../../../controller/forge/status-queue.ts'
import type { Fault } from '../../../schemas/fault.ts'
import { eventually } from '../../support/eventually.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { serveForge, type ForgeServer } from '../../support/forge-server.ts'

const TOKEN = 'token-canary-0123456789'
const COMMIT = 'a'.repeat(40)
const status = (over: Partial<CommitStatus> = {}): CommitStatus => ({
  commit: COMMIT,
  context: 'contractor/main',
  state: 'failure',
  description: 'refused',
  target: 'https://controller.example/v1/gates/runs/7',
  ...over,
})

describe('commit statuses', () => {
  let folder: string
  let server: ForgeServer
  let client: ForgeClient
  let queue: StatusQueue | null = null
  let faults: Fault[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contractor-statuses-'))
    server = await serveForge()
    faults = []
    connect('github')
  })
  afterEach(async () => {
    await queue?.stop()
    queue = null
    client.close()
    await server.close()
    await rm(folder, { recursive: true })
    expect(JSON.stringify(faults.map(({ message }) => message))).not.toContain(TOKEN)
  })

  function connect(kind: ForgeKind, timeoutMs = 5_000): void {
    const project = kind === 'gitlab' ? 'acme/control/registry' : 'acme/registry'
    client = openForgeClient({ kind, api: `${server.url}/base/`, project, token: TOKEN }, () => new Date(), timeoutMs)
  }

  async function open(post = client.post): Promise<StatusQueue> {
    queue = await openStatusQueue({
      file: join(folder, 'statuses.json'),
      post,
      now: () => new Date(),
      onFault: (fault) => faults.push(fault),
      pauses: { firstMs: 10, lastMs: 40 },
    })
    return queue
  }

  const arrived = (count: number) =>
    eventually(
      async () => server.requests,
      (all) => all.length >= count,
    )
  const sent = () => server.requests.map(({ body }) => `${String(body['state'])} ${String(body['description'])}`)

  it.each([
    ['github', '/base/repos/acme/registry/statuses/', 'authorization', `Bearer ${TOKEN}`, 'context', 'failure'],
    ['gitea', '/base/repos/acme/registry/statuses/', 'authorization', `token ${TOKEN}`, 'context', 'failure'],
    ['gitlab', '/base/projects/acme%2Fcontrol%2Fregistry/statuses/', 'private-token', TOKEN, 'name', 'failed'],
  ] as const)('are sent to %s as its API wants them', async (kind, path, header, value, context, state) => {
    connect(kind)
    expect(await client.post(status())).toEqual({ kind: 'posted' })
    const [{ method, path: asked, headers, body }] = server.requests as [ForgeServer['requests'][number]]
    expect(`${method} ${asked}`).toBe(`POST ${path}${COMMIT}`)
    expect(headers).toMatchObject({ [header]: value, 'content-type': 'application/json' })
    expect(headers['user-agent']).toMatch(/^contractor\//)
    expect(body).toEqual({
      state,
      [context]: 'contractor/main',
      description: 'refused',
      target_url: 'https://controller.example/v1/gates/runs/7',
    })
  })

  it.each(FORGES)('for %s hold no more than it takes, and nothing that cannot be seen', async (kind) => {
    connect(kind)
    await client.post(status({ description: `a\u0000b\u202e${'x'.repeat(300)}`, target: null }))
    const { description, ...rest } = server.requests[0]?.body ?? {}
    expect(Array.from(String(description))).toHaveLength(140)
    expect(String(description)).not.toMatch(/\p{C}/u)
    expect(rest).not.toHaveProperty('target_url')
  })

  it('are sent once, and again when they say something else', async () => {
    const { put } = await open()
    await put(status())
    await arrived(1)
    await eventually(
      async () => queue?.waiting(),
      (left) => left === 0,
    )
    await put(status())
    await put(status({ state: 'success' }))
    await arrived(2)
    expect(sent()).toEqual(['failure refused', 'success refused'])
  })

  it('are not sent where a newer one for the same commit and context came first', async () => {
    let letGo = () => {}
    const held = new Promise<void>((resolve) => (letGo = resolve))
    let begun = 0
    const { put } = await open((each) => {
      begun += 1
      return held.then(() => client.post(each))
    })
    await put(status({ description: 'one' }))
    await eventually(
      async () => begun,
      (count) => count === 1,
    )
    await put(status({ description: 'two' }))
    await put(status({ description: 'three' }))
    letGo()
    await eventually(
      async () => queue?.waiting(),
      (left) => left === 0,
    )
    expect(sent().filter((each) => !each.endsWith('one'))).toEqual(['failure three'])
  })

  it('survive that the process ends before the forge takes them, and are not sent twice after the next start', async () => {
    server.answer = () => ({ status: 502 })
    const first = await open()
    await first.put(status())
    await first.put(status({ context: 'contractor/merge', state: 'success' }))
    await arrived(1)
    await first.stop()
    server.answer = () => ({ status: 201 })
    const asked = server.requests.length
    const second = await open()
    expect(second.waiting()).toBe(2)
    await eventually(
      async () => second.waiting(),
      (left) => left === 0,
    )
    await second.stop()
    const third = await open()
    await third.put(status())
    expect(third.waiting()).toBe(0)
    expect(sent().slice(asked)).toEqual(['failure refused', 'success refused'])
  })

  it('are on disk before the caller goes on', async () => {
    const { put } = await open(() => new Promise(() => undefined))
    await put(status())
    const kept = JSON.parse(await readFile(join(folder, 'statuses.json'), 'utf8')) as { waiting: unknown[] }
    expect(kept.waiting).toMatchObject([{ status: status() }])
    queue = null
  })

  it.each([
    ['500', { status: 500 }],
    ['503', { status: 503, headers: { 'retry-after': '0' } }],
    ['429', { status: 429, headers: { 'retry-after': '0' } }],
  ])('are sent again after %s', async (_code, answer) => {
    server.answer = () => (server.requests.length < 3 ? answer : { status: 201 })
    await (await open()).put(status())
    await eventually(
      async () => queue?.waiting(),
      (left) => left === 0,
    )
    expect(server.requests).toHaveLength(3)
    expect(faults.map(({ reason }) => reason)).toEqual(['FORGE_UNAVAILABLE'])
  })

  it.each([
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '120' } }, 120_000],
    [
      '403 at the end of a rate limit',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' } },
      1_000,
    ],
    ['401', { status: 401, body: `{"message":"bad ${TOKEN}"}` }, 900_000],
    ['403', { status: 403 }, 900_000],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/elsewhere' } }, 900_000],
    ['500', { status: 500 }, null],
  ])('of which the forge says %s wait as long as it takes', async (_what, answer, afterMs) => {
    server.answer = () => answer
    const posted = await client.post(status())
    expect(posted).toMatchObject({ kind: 'forge-refuses', afterMs })
    expect(JSON.stringify(posted)).not.toContain(TOKEN)
    expect(server.requests).toHaveLength(1)
  })

  it('that GitLab has already are as good as sent', async () => {
    connect('gitlab')
    server.answer = () => ({ status: 400, body: '{"message":"Cannot transition status via :enqueue from :pending"}' })
    expect(await client.post(status())).toEqual({ kind: 'posted' })
    server.answer = () => ({ status: 400, body: '{"message":"state does not have a valid value"}' })
    expect(await client.post(status())).toMatchObject({ kind: 'status-refused' })
  })

  it('of a commit that the forge never takes are given up, and hold up no other', async () => {
    server.answer = ({ path }) => (path.endsWith(COMMIT) ? { status: 422 } : { status: 201 })
    const { put } = await open()
    await put(status())
    await put(status({ commit: 'b'.repeat(40) }))
    await eventually(
      async () => queue?.waiting(),
      (left) => left === 0,
    )
    const tried = server.requests.map(({ path }) => path.slice(-40, -39))
    expect(tried.slice(0, 2)).toEqual(['a', 'b'])
    expect(tried.filter((each) => each === 'a')).toHaveLength(6)
    expect(faults.map(({ reason }) => reason)).toEqual(['FORGE_UNAVAILABLE'])
  })

  it('do not wait for ever for a forge that does not answer, or is away', async () => {
    connect('github', 50)
    server.answer = () => null
    expect(await client.post(status())).toMatchObject({ kind: 'forge-refuses' })
    await server.close()
    expect(await client.post(status())).toMatchObject({ kind: 'forge-refuses' })
  })

  it('wait on disk up to a bound', async () => {
    const { put, waiting } = await open(() =>
      Promise.resolve({ kind: 'forge-refuses', why: 'it is away', afterMs: 60_000 }),
    )
    await Promise.all(Array.from({ length: 1_010 }, (_, n) => put(status({ context: `context-${n}` }))))
    expect(waiting()).toBe(1_000)
    expect(faults.some(({ message }) => message.includes('given up'))).toBe(true)
  })

  it('whose file is damaged are told, and never taken for none', async () => {
    await writeFile(join(folder, 'statuses.json'), '{"waiting":[')
    expect(await faultReason(() => open())).toBe('CONFIG_INVALID')
  })
})
