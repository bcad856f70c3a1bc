import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ShadowCount } from '../../schemas/http/shadow.ts'
import { Fault } from '../../schemas/fault.ts'
import { replaceFile, syncFolder } from './durable-file.ts'
import { readBundle, readRecords, type LogFolders } from './read-log.ts'
import type { AuditRecord } from './record.ts'
import { MAX_PAIRS } from './shadow-note.ts'
import { TILE_WIDTH } from './tiles.ts'

/** What the records of a log add up to, beside their tree. */
export type Tally = {
  /** The `begin` records without an `end`, by number. */
  begins: Map<number, AuditRecord>
  /** By tenant and digests, those compared last at the end. */
  shadow: Map<string, ShadowCount>
}

export const emptyTally = (): Tally => ({ begins: new Map(), shadow: new Map() })

/** Whether a record changes the tally; most do not. */
export function isTallied({ phase, began }: AuditRecord): boolean {
  return phase === 'shadow' || phase === 'begin' || began !== undefined
}

/** Adds record number `index`. Records are added in their order. */
export function addToTally({ begins, shadow }: Tally, index: number, record: AuditRecord): void {
  if (record.phase === 'begin') begins.set(index, record)
  if (record.began !== undefined) begins.delete(record.began)
  const { phase, tenant, against, digest, reason_code } = record
  if (phase !== 'shadow' || tenant === null || digest === null || against === undefined) return
  const key = `${tenant} ${against} ${digest}`
  const count = shadow.get(key) ?? { tenant, against, digest, agreed: 0, differed: 0 }
  if (reason_code === 'SHADOW_AGREED') count.agreed += 1
  else count.differed += 1
  shadow.delete(key)
  shadow.set(key, count)
  if (shadow.size > MAX_PAIRS) for (const oldest of [...shadow.keys()].slice(0, 1)) shadow.delete(oldest)
}

/** The tally of a log that is being written. What it says is as of a size, so that it fits a checkpoint. */
export type LiveTally = {
  /** Told of every record that became durable, in their order. */
  add(index: number, record: AuditRecord): void
  /** Brings it to `size` records and keeps it on disk. */
  save(size: number): Promise<void>
  /** As of the last `save`. */
  saved(): { size: number; shadow: ShadowCount[] }
}

type Stored = { v: 1; origin: string; size: number; begins: [number, AuditRecord][]; shadow: [string, ShadowCount][] }

/** After how many records it is written although it did not change, so that a start has less to read. */
const SAVE_EVERY = 50_000

/**
 * The tally after all `size` records of the log: what was kept of it, and every record since.
 * @returns also the calls that were begun and not ended
 */
export async function openTally(
  dir: string,
  folders: LogFolders,
  { origin, size }: { origin: string; size: number },
): Promise<{ tally: LiveTally; unfinished: ReadonlyMap<number, AuditRecord> }> {
  const path = join(dir, 'tally.json')
  const stored = await readStored(path, origin, size)
  const known: Tally =
    stored === null ? emptyTally() : { begins: new Map(stored.begins), shadow: new Map(stored.shadow) }
  const from = stored?.size ?? (await firstRecord(folders, size))
  for await (const { index, record } of readRecords(folders, from, size)) addToTally(known, index, record)
  const unfinished = new Map(known.begins)
  let savedSize = size
  let writtenSize = stored?.size ?? -1
  let isChanged = size !== writtenSize
  let late: { index: number; record: AuditRecord }[] = []
  let last: Promise<void> = Promise.resolve()

  async function write(now: number): Promise<void> {
    if (now < savedSize) return
    for (const { index, record } of late) if (index < now) addToTally(known, index, record)
    isChanged ||= late.some(({ index }) => index < now)
    late = late.filter(({ index }) => index >= now)
    savedSize = now
    if (!isChanged && now - writtenSize < SAVE_EVERY) return
    const { begins, shadow } = known
    const text: Stored = { v: 1, origin, size: now, begins: [...begins], shadow: [...shadow] }
    isChanged = false
    writtenSize = now
    await replaceFile(path, JSON.stringify(text), 0o600)
    await syncFolder(dir)
  }

  const tally: LiveTally = {
    add(index, record) {
      if (isTallied(record)) late.push({ index, record })
    },
    save(now) {
      const next = last.then(() => write(now))
      last = next.catch(() => {
        writtenSize = -1
        isChanged = true
      })
      return next
    },
    saved: () => ({ size: savedSize, shadow: [...known.shadow.values()].map((count) => ({ ...count })) }),
  }
  return { tally, unfinished }
}

/** Null where there is none for this log: then its records are read instead. */
async function readStored(path: string, origin: string, size: number): Promise<Stored | null> {
  try {
    const stored = JSON.parse(await readFile(path, 'utf8')) as Stored
    return stored.v === 1 && stored.origin === origin && stored.size <= size ? stored : null
  } catch {
    // Nothing but a shortcut.
    return null
  }
}

/** The first record that was not moved to an archive. */
async function firstRecord(folders: LogFolders, size: number): Promise<number> {
  for (let bundle = 0; bundle * TILE_WIDTH < size; bundle += 1) {
    try {
      await readBundle(folders, bundle, Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH))
      return bundle * TILE_WIDTH
    } catch (error) {
      if (!(error instanceof Fault)) throw error
    }
  }
  return size
}
