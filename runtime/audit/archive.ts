import { copyFile, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { makeDirectory } from '../git/durable-fs.ts'
import { syncFolder } from './durable-file.ts'
import { leafHash } from './merkle.ts'
import { readCheckpoint, type StoredRecord } from './read-log.ts'
import { readEntries, readTile } from './tile-files.ts'
import { entriesPath, TILE_WIDTH } from './tiles.ts'

/** Days that records stay in reach at least. */
export const MIN_RETENTION_DAYS = 90
const DAY_MS = 86_400_000

async function assertHashed(tlog: string, entries: readonly Buffer[], bundle: number): Promise<void> {
  const leaves = await readTile(tlog, 0, bundle, TILE_WIDTH)
  for (const [at, entry] of entries.entries()) {
    if (leafHash(entry).equals(leaves[at] as Buffer)) continue
    throw new Fault('AUDIT_BROKEN', `record ${bundle * TILE_WIDTH + at} is not the one that the log hashed`)
  }
}

async function moveFile(from: string, to: string): Promise<void> {
  await makeDirectory(dirname(to))
  await copyFile(from, to)
  const copy = await open(to, 'r')
  try {
    await copy.sync()
  } finally {
    await copy.close()
  }
  await syncFolder(dirname(to))
  await rm(from)
}

/**
 * Moves full entry bundles, all of whose records are older than `olderThanDays`, to an archive folder of the same
 * layout. The tiles of hashes stay: they still prove every record, wherever it lies.
 * @param verifier the log's published key
 * @returns the numbers of the bundles that were moved
 * @throws Fault `USAGE` below the minimal retention, `AUDIT_BROKEN` before anything damaged is moved
 */
export async function archiveRecords(options: {
  tlog: string
  archive: string
  verifier: string
  olderThanDays: number
  now: Date
}): Promise<number[]> {
  const { tlog, archive, verifier, olderThanDays, now } = options
  if (!(olderThanDays >= MIN_RETENTION_DAYS)) {
    throw new Fault(
      'USAGE',
      `records stay at least ${MIN_RETENTION_DAYS} days in place; ${olderThanDays} were asked for`,
    )
  }
  const before = new Date(now.getTime() - olderThanDays * DAY_MS).toISOString()
  const { size } = await readCheckpoint({ tlog, archive }, verifier)
  const moved: number[] = []
  for (let bundle = 0; (bundle + 1) * TILE_WIDTH <= size; bundle += 1) {
    const path = entriesPath(bundle, TILE_WIDTH)
    const isArchived = await readEntries(archive, bundle, TILE_WIDTH).then(
      () => true,
      () => false,
    )
    if (isArchived) continue
    const entries = await readEntries(tlog, bundle, TILE_WIDTH)
    const newest = JSON.parse((entries.at(-1) as Buffer).toString('utf8')) as StoredRecord
    if (newest.ts >= before) break
    await assertHashed(tlog, entries, bundle)
    await moveFile(join(tlog, path), join(archive, path))
    moved.push(bundle)
  }
  return moved
}
