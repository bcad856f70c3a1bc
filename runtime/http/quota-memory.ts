import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile, syncFolder } from '../audit/durable-file.ts'
import type { AuditLog } from '../audit/log.ts'
import { logFolders, readBundle, readRecords, type LogFolders, type StoredRecord } from '../audit/read-log.ts'
import { TILE_WIDTH } from '../audit/tiles.ts'
import { createQuotas, type QuotaCount, type Quotas } from './quota.ts'

/** Counts as of record `index` of the audit log `origin`. */
type Snapshot = { v: 1; origin: string; index: number; counts: [string, QuotaCount][] }

export type QuotaMemory = {
  quotas: Quotas
  /** Writes the counts down, so that the next start has less of the log to read. */
  save(): Promise<void>
}

async function readSnapshot(path: string, origin: string, size: number): Promise<Snapshot | null> {
  try {
    const snapshot = JSON.parse(await readFile(path, 'utf8')) as Snapshot
    const isOurs = snapshot.v === 1 && snapshot.origin === origin && snapshot.index <= size
    return isOurs ? snapshot : null
  } catch {
    // Nothing but a shortcut: without it the log is read from the beginning of the month.
    return null
  }
}

/** The first record that may be of the month of `now`. */
async function startOfMonth(folders: LogFolders, size: number, now: Date): Promise<number> {
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
 * Quota counts that survive a crash: the last snapshot, and every request that the audit log has since. What was
 * answered is in the log, so nothing that was answered is forgotten.
 */
export async function openQuotaMemory(
  path: string,
  auditDir: string,
  audit: AuditLog,
  now: Date,
): Promise<QuotaMemory> {
  const folders = logFolders(auditDir)
  const { size, origin } = audit.status()
  const snapshot = await readSnapshot(path, origin, size)
  const quotas = createQuotas(new Map(snapshot?.counts ?? []))
  const from = snapshot?.index ?? (await startOfMonth(folders, size, now))
  for await (const { record } of readRecords(folders, from, size)) {
    if (record.tenant !== null && isCounted(record)) quotas.add(record.tenant, new Date(record.ts))
  }
  return {
    quotas,
    async save() {
      const taken: Snapshot = { v: 1, origin, index: audit.status().size, counts: [...quotas.counts()] }
      await replaceFile(path, JSON.stringify(taken), 0o600)
      await syncFolder(dirname(path))
    },
  }
}
