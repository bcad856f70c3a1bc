import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listLogs } from '../../runtime/audit/log-folders.ts'
import { logFolders, readRecords, readVerifier } from '../../runtime/audit/read-log.ts'
import { verifyAuditFolder } from '../../runtime/audit/verify-log.ts'
import type { ExecuteResponse } from '../../schemas/http/execute.ts'
import type { KeyScope } from '../../schemas/registry/tenant.ts'
import { eventually } from './eventually.ts'
import { openFollowedRegistry, type FollowedRegistry } from './followed-registry.ts'
import { apiKey, OPERATOR_KEY, storedKey } from './runtime-app.ts'
import { temporaryFolder } from './ssh-keygen.ts'

export const FAST = { 'policies/rate_limit.yaml': 'execute: { per_minute: 1000000, per_user_per_minute: 1000000 }\n' }
const QUESTION = 'when will my card arrive'

/** What is lost with a process that was killed is told by nobody. */
const patience = () => AbortSignal.timeout(10_000)

export type Started = { child: ChildProcess; url: string; errors: () => string }
export type Answer = { status: number; id: string; body: ExecuteResponse & { reason_code?: string } }

export type StatusBody = {
  seq: number
  audit: { size: number; healthy: boolean }
  workers: { worker: number; may_serve: boolean; seq: number; audit: { origin: string; size: number } }[]
  limits: { store: string; healthy: boolean; fallback: boolean; failures: number }
  tenants: Record<string, { executions: object; aliases: { current: { version: string } } }>
}

/** A registry with the tenant `retail`, and Runtimes in processes of their own that follow it. */
export type WorkerWorld = {
  registry: FollowedRegistry
  dir: string
  addTenant(tenant: string, more?: object): Promise<void>
  publish(): Promise<void>
  /** @param changes of its environment; two workers where it does not say */
  start(changes?: Record<string, string>): Promise<Started>
  close(): Promise<void>
}

export async function openWorkerWorld(rules: Parameters<typeof openFollowedRegistry>[0] = {}): Promise<WorkerWorld> {
  const dir = await temporaryFolder()
  const registry = await openFollowedRegistry(rules)
  const children: ChildProcess[] = []

  const world: WorkerWorld = {
    registry,
    dir,
    async addTenant(tenant, more = {}) {
      const scopes: KeyScope[] = ['execute', 'execute:candidate', 'status']
      await registry.ledger.addTenant(tenant, { keys: [storedKey(apiKey(tenant), 'k1', scopes)], ...more })
    },
    async publish() {
      await registry.setRef('refs/heads/live', registry.ledger.head.oid)
      await registry.setRef('refs/heads/heartbeat', await registry.ledger.heartbeat({ signedAt: new Date() }))
    },
    async start(changes = {}) {
      const main = fileURLToPath(new URL('../../runtime/main.js', import.meta.url))
      const env = {
        CONTRACTOR_REGISTRY: registry.location,
        CONTRACTOR_TRUST: join(dir, 'root.json'),
        CONTRACTOR_STATE_DIR: join(dir, 'state'),
        CONTRACTOR_RUNTIME_PORT: '0',
        ...(changes['CONTRACTOR_OPERATOR_KEY_FILE'] === undefined && { CONTRACTOR_OPERATOR_KEY: OPERATOR_KEY }),
        CONTRACTOR_NODE: 'node-1',
        CONTRACTOR_WORKERS: '2',
        PATH: process.env['PATH'] ?? '',
        ...changes,
      }
      const child = fork(main, [], { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
      children.push(child)
      let errors = ''
      child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
      const isListening = env.CONTRACTOR_WORKERS === '1' ? /"url":"(http:[^"]+)"/ : /"url":"(http:[^"]+)","workers"/
      const url = await eventually(
        async () => isListening.exec(errors)?.[1] ?? (child.exitCode === null ? null : errors),
        (found) => found !== null,
        45_000,
      )
      return { child, url: url ?? '', errors: () => errors }
    },
    async close() {
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        const exit = once(child, 'exit')
        child.kill('SIGKILL')
        await exit
      }
      await registry.close()
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  const seal = await registry.seal('1.0.0', FAST)
  await world.addTenant('retail')
  await registry.ledger.promote('retail', 'current', seal)
  await world.publish()
  await writeFile(join(dir, 'root.json'), JSON.stringify(registry.ledger.root))
  return world
}

export async function stopProcess({ child }: Started): Promise<unknown> {
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  return exit
}

/** On a connection of its own, so that every worker gets its turn. */
export async function ask(
  url: string,
  tenant = 'retail',
  more: Record<string, string> = {},
  question = QUESTION,
): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    connection: 'close',
    'x-tenant-id': tenant,
    'x-api-key': apiKey(tenant),
    ...more,
  }
  const body = JSON.stringify({ input: { question } })
  const response = await fetch(`${url}/execute`, { method: 'POST', headers, body, signal: patience() })
  const id = response.headers.get('x-request-id') ?? ''
  return { status: response.status, id, body: (await response.json()) as Answer['body'] }
}

export const asks = (url: string, count: number, ...more: [tenant?: string, headers?: Record<string, string>]) =>
  Promise.all(Array.from({ length: count }, () => ask(url, ...more)))

export const allowed = (answers: readonly Answer[]): number => answers.filter(({ status }) => status === 200).length

export async function statusOf(url: string): Promise<StatusBody> {
  const headers = { 'x-api-key': OPERATOR_KEY, connection: 'close' }
  return (await (await fetch(`${url}/status`, { headers, signal: patience() })).json()) as StatusBody
}

export async function metricsOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { connection: 'close' }, signal: patience() })).text()
}

/** Processes that wrote lines, without the primary, and live. */
export function workerPids({ child, errors }: Started): number[] {
  const found = [...errors().matchAll(/"pid":(\d+)/g)].map((match) => Number(match[1]))
  return [...new Set(found)].filter((pid) => pid !== child.pid && isAlive(pid))
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Ids of the executions in each log of the audit folder; every log is verified first. */
export async function recorded(dir: string): Promise<string[][]> {
  const folders = await listLogs(join(dir, 'state', 'audit'))
  return Promise.all(
    folders.map(async (folder) => {
      const { size } = await verifyAuditFolder(folder, await readVerifier(folder))
      const ids: string[] = []
      for await (const { record } of readRecords(logFolders(folder), 0, size))
        if (record.action === 'execute' && record.request_id !== null) ids.push(record.request_id)
      if (new Set(ids).size !== ids.length) throw new Error(`${folder} has two records of one request`)
      return ids
    }),
  )
}
