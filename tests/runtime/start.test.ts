import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AUDIT_DEFAULTS, openAuditLog } from '../../runtime/audit/log.ts'
import { logFolders, readRecords } from '../../runtime/audit/read-log.ts'
import { verifyAuditFolder } from '../../runtime/audit/verify-log.ts'
import { readRuntimeConfig, type RuntimeConfig } from '../../runtime/config.ts'
import { startRuntime, type RunningRuntime } from '../../runtime/start.ts'
import type { ExecuteResponse } from '../../schemas/http/execute.ts'
import { openCollector } from '../support/collector.ts'
import { eventually } from '../support/eventually.ts'
import { faultReason } from '../support/fault-reason.ts'
import { openFollowedRegistry, type FollowedRegistry } from '../support/followed-registry.ts'
import { apiKey, OPERATOR_KEY, storedKey } from '../support/runtime-app.ts'
import { temporaryFolder } from '../support/ssh-keygen.ts'

const FAST = { 'policies/rate_limit.yaml': 'execute: { per_minute: 1000000, per_user_per_minute: 1000000 }\n' }
const QUESTION = 'when will my card arrive'

let registry: FollowedRegistry
let dir: string
let running: RunningRuntime[] = []
let children: ChildProcess[] = []

beforeEach(async () => {
  dir = await temporaryFolder()
  registry = await openFollowedRegistry()
  const seal = await registry.seal('1.0.0', FAST)
  const keys = [storedKey(apiKey('retail'), 'k1', ['execute', 'execute:candidate'])]
  await registry.ledger.addTenant('retail', { keys })
  await registry.ledger.promote('retail', 'current', seal)
  await publish()
  await writeFile(join(dir, 'root.json'), JSON.stringify(registry.ledger.root))
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const runtime of running) await runtime.stop()
  running = []
  children = []
  await registry.close()
  await rm(dir, { recursive: true, force: true })
})

/** The processes of these tests have the clock of the machine; the controller vouches by it. */
async function publish(): Promise<void> {
  await registry.setRef('refs/heads/live', registry.ledger.head.oid)
  await registry.setRef('refs/heads/heartbeat', await registry.ledger.heartbeat({ signedAt: new Date() }))
}

function environment(changes: Record<string, string> = {}): Record<string, string> {
  return {
    CONTRACTOR_REGISTRY: registry.location,
    CONTRACTOR_TRUST: join(dir, 'root.json'),
    CONTRACTOR_STATE_DIR: join(dir, 'state'),
    CONTRACTOR_RUNTIME_PORT: '0',
    CONTRACTOR_OPERATOR_KEY: OPERATOR_KEY,
    CONTRACTOR_LOG_LEVEL: 'silent',
    CONTRACTOR_NODE: 'node-1',
    ...changes,
  }
}

async function start(changes: Partial<RuntimeConfig> = {}): Promise<RunningRuntime> {
  const runtime = await startRuntime({ ...readRuntimeConfig(environment()), ...changes })
  running.push(runtime)
  return runtime
}

async function stop(runtime: RunningRuntime): Promise<void> {
  running = running.filter((one) => one !== runtime)
  await runtime.stop()
}

type Answer = { status: number; id: string; body: ExecuteResponse & { reason_code?: string } }

async function ask(url: string, question = QUESTION, more: Record<string, string> = {}): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    'x-tenant-id': 'retail',
    'x-api-key': apiKey('retail'),
    ...more,
  }
  const body = JSON.stringify({ input: { question } })
  const response = await fetch(`${url}/execute`, { method: 'POST', headers, body })
  return {
    status: response.status,
    id: response.headers.get('x-request-id') ?? '',
    body: (await response.json()) as Answer['body'],
  }
}

/** A Runtime in a process of its own, as `node runtime/main.js` starts it, and where it listens. */
async function startProcess(changes: Record<string, string> = {}): Promise<{ child: ChildProcess; url: string }> {
  const main = fileURLToPath(new URL('../../runtime/main.js', import.meta.url))
  const env = environment({ CONTRACTOR_LOG_LEVEL: 'info', PATH: process.env['PATH'] ?? '', ...changes })
  const child = fork(main, [], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  children.push(child)
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const url = await eventually(
    async () => /"url":"(http:[^"]+)"/.exec(errors)?.[1] ?? null,
    (found) => found !== null,
  )
  return { child, url: url ?? '' }
}

async function recordedIds(): Promise<Set<string | null>> {
  const audit = join(dir, 'state', 'audit')
  const log = await openAuditLog({
    ...AUDIT_DEFAULTS,
    dir: audit,
    registry: 'acme',
    node: 'node-1',
    onPublishError: () => undefined,
  })
  const { size } = log.status()
  await log.close()
  await verifyAuditFolder(audit, log.verifier)
  const ids = new Set<string | null>()
  for await (const { record } of readRecords(logFolders(audit), 0, size)) ids.add(record.request_id)
  return ids
}

describe('a Runtime', () => {
  it('answers from the verified ledger, and has the record of it', async () => {
    const runtime = await start()
    const { status, body, id } = await ask(runtime.url)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      tenant: 'retail',
      bundle: { version: '1.0.0' },
      intent: 'card_arrival',
      outcome: 'answered',
    })
    expect(runtime.audit.status().size).toBe(1)
    await stop(runtime)
    expect(await recordedIds()).toEqual(new Set([id]))
  })

  it('starts from its disk while the registry is away, and goes on with its log', async () => {
    await stop(await start())
    const runtime = await start()
    await ask(runtime.url)
    await stop(runtime)
    await registry.setRef('refs/heads/live', null)
    const again = await start()
    expect((await ask(again.url)).status).toBe(200)
    expect(again.audit.status().size).toBe(2)
  })

  it('accepts a revoked key no more as soon as the ledger says so', async () => {
    const runtime = await start()
    expect((await ask(runtime.url)).status).toBe(200)
    const tenant = registry.ledger.head.state.tenants.get('retail')
    const keys = [storedKey(apiKey('retail'), 'k1', ['execute'], { revoked: true })]
    if (tenant !== undefined) await registry.ledger.write({ tenants: new Map([['retail', { ...tenant, keys }]]) })
    await publish()
    await runtime.follower.sync()
    expect(await ask(runtime.url)).toMatchObject({ status: 401, body: { reason_code: 'UNAUTHENTICATED' } })
  })

  it('swaps bundles under load without a failed or a mixed answer', async () => {
    const seals = [await registry.seal('1.1.0', FAST), await registry.seal('1.2.0', FAST)]
    const runtime = await start()
    const over = new AbortController()
    const answers: Answer[] = []
    const clients = [1, 2, 3, 4].map(async () => {
      while (!over.signal.aborted) answers.push(await ask(runtime.url))
    })
    for (let turn = 0; turn < 8; turn += 1) {
      await registry.ledger.promote('retail', 'current', seals[turn % 2] ?? seals[0]!)
      await publish()
      await runtime.follower.sync()
    }
    over.abort()
    await Promise.all(clients)
    for (const { status, body } of answers) {
      expect(status).toBe(200)
      expect(body.output).toEqual({ answer: `It takes three days, says ${body.bundle.version}.` })
    }
    expect(new Set(answers.map(({ body }) => body.bundle.version)).size).toBeGreaterThan(1)
    expect(runtime.audit.status().size).toBe(answers.length)
  })

  it('shows the operator the share of executions that were governed', async () => {
    const { url } = await start()
    await ask(url)
    const status = await fetch(`${url}/status`, { headers: { 'x-api-key': OPERATOR_KEY } })
    expect(await status.json()).toMatchObject({ tenants: { retail: { executions: { governed: 1, all: 1 } } } })
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('contractor_governed_execution_ratio{tenant="retail"} 1')
  })
})

describe('a start that fails', () => {
  it('says what is wrong, and leaves nothing held', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    expect(await faultReason(() => start({ port }))).toBe('PORT_TAKEN')
    taken.close()
    expect(await faultReason(() => start({ trust: join(dir, 'none.json') }))).toBe('CONFIG_INVALID')
    expect(await faultReason(() => start({ registry: join(dir, 'none.git') }))).toBe('NOT_FOUND')
    expect((await ask((await start()).url)).status).toBe(200)
  })

  it('does not share an audit log with a Runtime that runs', async () => {
    await start()
    expect(await faultReason(() => start())).toBe('CONFIG_INVALID')
  })
})

describe('the process', () => {
  it('has the durable record of every answer that left before a SIGKILL', async () => {
    const answered: string[] = []
    for (const waitFor of [5, 40, 90]) {
      const { child, url } = await startProcess()
      const clients = Array.from({ length: 8 }, async () => {
        for (;;) {
          const answer = await ask(url).catch(() => null)
          if (answer === null) return
          expect(answer.status).toBe(200)
          answered.push(answer.id)
          if (answered.length % 100 >= waitFor) child.kill('SIGKILL')
        }
      })
      await Promise.all(clients)
      // Its connections are gone before it is; a process that still exists holds its log.
      if (child.signalCode === null) await once(child, 'exit')
    }
    const recorded = await recordedIds()
    expect(answered.filter((id) => !recorded.has(id))).toEqual([])
    expect(answered.length).toBeGreaterThan(50)
  })

  it('ends cleanly on SIGTERM, and gives its log back', async () => {
    const { child, url } = await startProcess()
    await ask(url)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
    expect((await recordedIds()).size).toBe(1)
  })

  it('ends with 2 and the reason when it is configured wrongly', async () => {
    const main = fileURLToPath(new URL('../../runtime/main.js', import.meta.url))
    const child = fork(main, [], { env: { CONTRACTOR_TRUST: 'x' }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    children.push(child)
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    expect(await once(child, 'exit')).toEqual([2, null])
    expect(errors).toContain('CONFIG_INVALID')
  })

  it('answers nothing and is not ready while a required audit copy fails, and goes on when it is mended', async () => {
    const collector = await openCollector()
    const copy = { name: 'siem', to: 'http', url: collector.url, header: null, isRequired: true } as const
    const { url } = await start({ auditCopies: [copy] })
    try {
      expect((await ask(url)).status).toBe(200)
      collector.answer = { status: 503 }
      expect(await ask(url)).toMatchObject({ status: 503, body: { reason_code: 'AUDIT_UNAVAILABLE' } })
      const ready = await fetch(`${url}/readyz`)
      expect([ready.status, await ready.json()]).toMatchObject([503, { reason_code: 'AUDIT_UNAVAILABLE' }])
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).toContain('contractor_audit_copy_healthy{copy="siem"} 0')
      collector.answer = { status: 200 }
      await eventually(
        async () => (await fetch(`${url}/readyz`)).status,
        (status) => status === 200,
      )
      expect((await ask(url)).status).toBe(200)
    } finally {
      await collector.close()
    }
  })

  it('writes no key, question or answer into its log or its files', async () => {
    const { child, url } = await startProcess({ CONTRACTOR_LOG_LEVEL: 'debug' })
    let errors = ''
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const secret = 'CANARY-4e1f'
    await ask(url, `${secret} where is my card`, { 'x-user-id': secret })
    await ask(url, QUESTION, { 'x-api-key': secret })
    await ask(url, QUESTION, { authorization: secret, cookie: secret, 'x-request-id': `${secret};` })
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
    const audit = join(dir, 'state', 'audit', 'tlog', 'tile', 'entries', '000.p', '3')
    const written =
      errors + (await readFile(audit, 'utf8')) + (await readFile(join(dir, 'state', 'quotas.json'), 'utf8'))
    expect(written).not.toContain(secret)
    expect(written).not.toContain(OPERATOR_KEY)
    expect(written).not.toContain('a'.repeat(64))
    expect(written).not.toContain('three days')
  })
})
