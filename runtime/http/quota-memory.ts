import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile, syncFolder } from '../audit/durable-file.ts'
import { readBundle, readRecords, type LogFolders, type StoredRecord } from '../audit/read-log.ts'
import { TILE_WIDTH } from '../audit/tiles.ts'
import { createQuotas, type QuotaCount, type Quotas } from './quota.ts'

type Parts = [name: string, count: number][]

/** A count as it is written; one of an earlier version knows nothing of keys and users. */
type WrittenCount = Omit<QuotaCount, 'ofDay' | 'ofMonth'> & { ofDay?: Parts; ofMonth?: Parts }

/** Counts as of record `logs[origin]` of each audit log. */
type Snapshot = { v: 2; logs: Record<string, number>; counts: [string, WrittenCount][] }

function readCount({ ofDay = [], ofMonth = [], ...count }: WrittenCount): QuotaCount {
  return { ...count, ofDay: new Map(ofDay), ofMonth: new Map(ofMonth) }
}

function writtenCount({ ofDay, ofMonth, ...count }: QuotaCount): WrittenCount {
  return { ...count, ofDay: [...ofDay], ofMonth: [...ofMonth] }
}

/** One audit log, and how many of its records are under a checkpoint. */
export type CountedLog = { origin: string; folders: LogFolders; size: number }

export type QuotaMemory = {
  quotas: Quotas
  /** Counts what a log has beyond what was counted of it; a log is counted once in the life of a process. */
  recount(log: CountedLog, now: Date): Promise<void>
  /**
   * Writes the counts down, so that the next start has less of the logs to read.
   * @param sizes of the logs by origin, taken before the call
   */
  save(sizes: ReadonlyMap<string, number>): Promise<void>
}

async function readSnapshot(path: string): Promise<Snapshot> {
  try {
    const snapshot = JSON.parse(await readFile(path, 'utf8')) as Snapshot
    if (snapshot.v === 2) return snapshot
  } catch {
    // Nothing but a shortcut: without it the logs are read from the beginning of the month.
  }
  return { v: 2, logs: {}, counts: [] }
}

/** The first record that may be of the month of `now`. */
async function startOfMonth({ folders, size }: CountedLog, now: Date): Promise<number> {
  const month = now.toISOString().slice(0, 7)
  let [low, high] = [0, Math.ceil(size / TILE_WIDTH)]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const entries = await readBundle(folders, middle, Math.min(TILE_WIDTH, size - middle * TILE_WIDTH))
    const last = JSON.parse((entries.at(-1) as Buffer).toString('utf8')) as StoredRecord
    if (last.ts.slice(0, 7) < month) low = middle + 1
    else high = middle
  }
  return low * TILE_WIDTH
}

/** Whether a record is of a request that was let through the limits. */
function isCounted({ phase, action, reason_code }: StoredRecord): boolean {
  return phase === 'end' && action === 'execute' && reason_code !== 'RATE_LIMITED' && reason_code !== 'QUOTA_EXCEEDED'
}

/**
 * Quota counts that survive a crash: the last snapshot, and every request that the audit logs have since. What was
 * answered is in a log, so nothing that was answered is forgotten, but whose name the user had: logs hold no names.
 */
export async function openQuotaMemory(path: string): Promise<QuotaMemory> {
  const snapshot = await readSnapshot(path)
  const quotas = createQuotas(new Map(snapshot.counts.map(([tenant, count]) => [tenant, readCount(count)])))
  const counted = new Map(Object.entries(snapshot.logs))
  const done = new Set<string>()
  return {
    quotas,
    async recount(log, now) {
      const { origin, folders, size } = log
      if (done.has(origin)) return
      done.add(origin)
      const known = counted.get(origin)
      const from = known !== undefined && known <= size ? known : await startOfMonth(log, now)
      for await (const { record } of readRecords(folders, from, size)) {
        if (record.tenant === null || !isCounted(record)) continue
        quotas.add(record.tenant, record.key_id, new Date(record.ts))
      }
      counted.set(origin, size)
    },
    async save(sizes) {
      for (const [origin, size] of sizes) counted.set(origin, size)
      const counts = [...quotas.counts()].map(([tenant, count]): [string, WrittenCount] => [
        tenant,
        writtenCount(count),
      ])
      const taken: Snapshot = { v: 2, logs: Object.fromEntries(counted), counts }
      await replaceFile(path, JSON.stringify(taken), 0o600)
      await syncFolder(dirname(path))
    },
  }
}
