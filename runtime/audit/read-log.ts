import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { formatVerifier, parseVerifier } from './note.ts'
import type { AuditRecord } from './record.ts'
import { readSegment } from './segment.ts'
import { listSegments, readSegmentFile } from './segment-files.ts'
import { readEntries } from './tile-files.ts'
import { TILE_WIDTH } from './tiles.ts'

/** Where a log is read from: its tiles, and where entry bundles were moved to when they became old. */
export type LogFolders = { tlog: string; archive: string | null }

export type StoredRecord = AuditRecord & { v: 1; seq: number }
/** `entry` is what the leaf hash is over. */
export type LogEntry = { index: number; entry: Buffer; record: StoredRecord }

/** The folders of a Runtime's audit folder. */
export function logFolders(dir: string, archive: string | null = null): LogFolders {
  return { tlog: join(dir, 'tlog'), archive }
}

/**
 * The verifier key that the folder itself names. It shows that the folder is whole, not whose it is: whoever can change
 * the folder can change it, too.
 * @throws Fault `AUDIT_BROKEN` where there is no log
 */
export async function readVerifier(dir: string): Promise<string> {
  const path = join(dir, 'log.json')
  try {
    return formatVerifier(parseVerifier((JSON.parse(await readFile(path, 'utf8')) as { verifier: string }).verifier))
  } catch (error) {
    throw new Fault('AUDIT_BROKEN', `${path} names no verifier key; name the audit folder of a Runtime`, {
      cause: error,
    })
  }
}

/** The last checkpoint note. @throws Fault `AUDIT_BROKEN` */
export async function readCheckpointNote({ tlog }: LogFolders): Promise<string> {
  const path = join(tlog, 'checkpoint')
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Fault('AUDIT_BROKEN', `${path} cannot be read; name the audit folder of a Runtime`, { cause: error })
  }
}

/** The last checkpoint, verified. @param verifier the log's published key; its name is the origin */
export async function readCheckpoint(folders: LogFolders, verifier: string): Promise<Checkpoint> {
  const key = parseVerifier(verifier)
  return openCheckpoint(await readCheckpointNote(folders), key.name, key)
}

/** Records of one entry bundle, from the log or from its archive. */
export async function readBundle({ tlog, archive }: LogFolders, index: number, width: number): Promise<Buffer[]> {
  try {
    return await readEntries(tlog, index, width)
  } catch (error) {
    if (archive === null || !(error instanceof Fault)) throw error
    return readEntries(archive, index, width)
  }
}

function parseEntry(index: number, entry: Buffer): LogEntry {
  const record = JSON.parse(entry.toString('utf8')) as StoredRecord
  if (record.seq !== index) throw new Fault('AUDIT_BROKEN', `record ${index} says that it is ${record.seq}`)
  return { index, entry, record }
}

/** Records `from` up to `to`, which a checkpoint covers, in order. @throws Fault `AUDIT_BROKEN` */
export async function* readRecords(folders: LogFolders, from: number, to: number): AsyncGenerator<LogEntry> {
  for (let bundle = Math.floor(from / TILE_WIDTH); bundle * TILE_WIDTH < to; bundle += 1) {
    const first = bundle * TILE_WIDTH
    const entries = await readBundle(folders, bundle, Math.min(TILE_WIDTH, to - first))
    for (const [at, entry] of entries.entries()) if (first + at >= from) yield parseEntry(first + at, entry)
  }
}

/** Records from number `from` on that are durable but under no checkpoint yet. */
export async function readPending(dir: string, from: number): Promise<LogEntry[]> {
  const found: LogEntry[] = []
  for (const file of await listSegments(join(dir, 'pending'))) {
    const { frames } = readSegment(await readSegmentFile(file), file.first, file.path)
    for (const { index, entry } of frames) if (index === from + found.length) found.push(parseEntry(index, entry))
  }
  return found
}
