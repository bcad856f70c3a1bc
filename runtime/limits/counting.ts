import { join } from 'node:path'
import { listLogs } from '../audit/log-folders.ts'
import { AUDIT_DEFAULTS, openAuditLog, type AuditLog } from '../audit/log.ts'
import { logFolders } from '../audit/read-log.ts'
import { createLimiter } from '../http/limiter.ts'
import type { Log } from '../http/log.ts'
import { openQuotaMemory } from '../http/quota-memory.ts'
import { createMemoryStore, type MemoryStore } from './memory-store.ts'

const SWEEP_MS = 30_000
const SAVE_MS = 10_000

export type CountingDeps = {
  stateDir: string
  invalidKeysPerMinute: number
  log: Log
  now: () => Date
  monotonicMs: () => number
  /** How many records each log in use has, by origin. */
  sizes: () => Map<string, number> | Promise<Map<string, number>>
}

export type Counting = {
  store: MemoryStore
  /** Counts the requests of this month that a log in use has, and no snapshot counted. */
  recount(dir: string, log: Pick<AuditLog, 'origin' | 'status'>): Promise<void>
  /** The same for every log of an audit folder that no process uses now, but those in `used`. */
  recountUnused(auditDir: string, used: readonly string[]): Promise<void>
  stop(): Promise<void>
}

/** The counters in the memory of this process, and what keeps those of days and months over a restart. */
export async function startCounting(deps: CountingDeps): Promise<Counting> {
  const { log, now, monotonicMs } = deps
  const limiter = createLimiter(monotonicMs, deps.invalidKeysPerMinute)
  const memory = await openQuotaMemory(join(deps.stateDir, 'quotas.json'))
  const save = async () => {
    try {
      await memory.save(await deps.sizes())
    } catch (error) {
      log.error('the quota counts could not be written down', error)
    }
  }
  const timers = [setInterval(() => void save(), SAVE_MS), setInterval(() => limiter.sweep(), SWEEP_MS)]

  async function recount(dir: string, { origin, status }: Pick<AuditLog, 'origin' | 'status'>): Promise<void> {
    await memory.recount({ origin, folders: logFolders(dir), size: status().published }, now())
  }

  return {
    store: createMemoryStore({ limiter, quotas: memory.quotas, now }),
    recount,
    async recountUnused(auditDir, used) {
      for (const dir of (await listLogs(auditDir)).filter((found) => !used.includes(found))) {
        const onPublishError = (error: unknown) =>
          log.error('the checkpoint of an audit log could not be written', error)
        // Its name stands in the folder; node and registry are only for logs that are made.
        const found = await openAuditLog({ ...AUDIT_DEFAULTS, dir, registry: '', node: '', onPublishError })
        try {
          await recount(dir, found)
        } finally {
          await found.close()
        }
      }
    },
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await save()
    },
  }
}
