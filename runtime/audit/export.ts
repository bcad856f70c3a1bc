import { setTimeout as sleep } from 'node:timers/promises'
import {
  logFolders,
  readCheckpoint,
  readPending,
  readRecords,
  type LogEntry,
  type LogFolders,
  type StoredRecord,
} from './read-log.ts'

/** Which records are wanted; what is left out matches all. `since` is included, `until` is not; RFC 3339. */
export type RecordFilter = { tenant?: string; since?: string; until?: string; decision?: 'allow' | 'deny' }

export function matches(record: StoredRecord, { tenant, since, until, decision }: RecordFilter): boolean {
  return (
    (tenant === undefined || record.tenant === tenant) &&
    (since === undefined || record.ts >= since) &&
    (until === undefined || record.ts < until) &&
    (decision === undefined || record.decision === decision)
  )
}

/** The records under the last checkpoint as JSON lines, byte for byte as they were hashed. */
export async function* exportRecords(
  folders: LogFolders,
  verifier: string,
  filter: RecordFilter = {},
): AsyncGenerator<string> {
  const { size } = await readCheckpoint(folders, verifier)
  for await (const { entry, record } of readRecords(folders, 0, size)) {
    if (matches(record, filter)) yield `${entry.toString('utf8')}\n`
  }
}

export type TailOptions = {
  verifier: string
  /** How many of the last records come first. */
  last: number
  /** Whether to wait for more. */
  follow: boolean
  everyMs: number
  signal?: AbortSignal
}

async function readNew(dir: string, verifier: string, from: number): Promise<LogEntry[]> {
  const folders = logFolders(dir)
  const { size } = await readCheckpoint(folders, verifier)
  const covered: LogEntry[] = []
  for await (const entry of readRecords(folders, from, size)) covered.push(entry)
  return [...covered, ...(await readPending(dir, Math.max(from, size)))]
}

/** The last records of a Runtime's audit folder, also those that no checkpoint covers yet, and then new ones as they come. */
export async function* tailRecords(dir: string, options: TailOptions): AsyncGenerator<LogEntry> {
  const { verifier, last, follow, everyMs, signal } = options
  const { size } = await readCheckpoint(logFolders(dir), verifier)
  const recent = await readNew(dir, verifier, Math.max(0, size - last))
  const shown = recent.slice(-last)
  yield* shown
  let next = (recent.at(-1)?.index ?? size - 1) + 1
  if (!follow) return
  for (;;) {
    for (const entry of await readNew(dir, verifier, next)) {
      yield entry
      next = entry.index + 1
    }
    await sleep(everyMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
    if (signal?.aborted === true) return
  }
}
