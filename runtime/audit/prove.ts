import { Fault } from '../../schemas/fault.ts'
import type { Checkpoint } from './checkpoint.ts'
import { consistencyProof, inclusionProof, leafHash } from './merkle.ts'
import { rootFromInclusion } from './proof.ts'
import {
  readBundle,
  readCheckpoint,
  readCheckpointNote,
  type LogEntry,
  type LogFolders,
  type StoredRecord,
} from './read-log.ts'
import { tileNodes } from './tile-files.ts'
import { TILE_WIDTH } from './tiles.ts'
import { formatTlogProof } from './tlog-proof.ts'

/** The newest record of what a request was answered, from the end of the log backwards; null where the log has none. */
export async function findRequest(folders: LogFolders, size: number, requestId: string): Promise<LogEntry | null> {
  const mark = Buffer.from(`"request_id":"${requestId}"`)
  for (let bundle = Math.ceil(size / TILE_WIDTH) - 1; bundle >= 0; bundle -= 1) {
    const first = bundle * TILE_WIDTH
    const entries = await readBundle(folders, bundle, Math.min(TILE_WIDTH, size - first))
    for (const [at, entry] of [...entries.entries()].reverse()) {
      if (!entry.includes(mark)) continue
      const record = JSON.parse(entry.toString('utf8')) as StoredRecord
      if (record.request_id === requestId && record.phase === 'end') return { index: first + at, entry, record }
    }
  }
  return null
}

/**
 * Proves that the log has the record of a request: the record, byte for byte, and a C2SP tlog-proof.
 * @param verifier the log's published key
 * @throws Fault `NOT_FOUND` when no checkpoint covers such a record, `AUDIT_BROKEN`, `UNTRUSTED`
 */
export async function proveRequest(
  folders: LogFolders,
  verifier: string,
  requestId: string,
): Promise<{ entry: Buffer; proof: string }> {
  const checkpoint = await readCheckpoint(folders, verifier)
  const found = await findRequest(folders, checkpoint.size, requestId)
  if (found === null) {
    throw new Fault(
      'NOT_FOUND',
      `no record of the request ${requestId} is under the last checkpoint (${checkpoint.size} records)`,
    )
  }
  const { index, entry } = found
  const path = await inclusionProof(index, checkpoint.size, tileNodes(folders.tlog, checkpoint.size))
  const root = rootFromInclusion(index, checkpoint.size, leafHash(entry), path)
  if (root?.equals(checkpoint.root) !== true) {
    throw new Fault('AUDIT_BROKEN', `record ${index} does not lead to the root of the checkpoint`)
  }
  return { entry, proof: formatTlogProof({ index, path, checkpoint: await readCheckpointNote(folders) }) }
}

/** The hashes that show a witness that the log at `now` extends what it was at `old`. */
export function proveConsistency({ tlog }: LogFolders, old: number, now: Checkpoint): Promise<Buffer[]> {
  return consistencyProof(old, now.size, tileNodes(tlog, now.size))
}
