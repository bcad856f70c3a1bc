import { Fault } from '../../schemas/fault.ts'
import type { Checkpoint } from './checkpoint.ts'
import { leafHash, rootAt } from './merkle.ts'
import { logFolders, readCheckpoint, readRecords, type LogFolders } from './read-log.ts'
import { readTile, tileNodes } from './tile-files.ts'
import { TILE_WIDTH, tileWidth } from './tiles.ts'
import { edgeRoot, extendEdge, type Edge } from './tree.ts'

export type VerifiedLog = Checkpoint & {
  /** RFC 3339; of the first and last record, null in an empty log. */
  first: string | null
  last: string | null
  decisions: { allow: number; deny: number; unknown: number }
  /** Candidates that were compared. */
  shadow: { agreed: number; differed: number }
  /** Requests behind aggregate records. */
  aggregated: number
  /** Anchors that the log was compared with. */
  anchors: number
}

/**
 * Reads every record, builds the tree anew and compares it with each tile, with the signed checkpoint, and with what
 * others anchored of it.
 * @param verifier the log's published key
 * @throws Fault `AUDIT_BROKEN` or `UNTRUSTED` naming the first thing that is not as it should be
 */
export async function verifyLog(
  folders: LogFolders,
  verifier: string,
  anchors: readonly Checkpoint[] = [],
): Promise<VerifiedLog> {
  const checkpoint = await readCheckpoint(folders, verifier)
  const edge: Edge = { size: 0, rows: [], entries: [] }
  const verified: VerifiedLog = {
    ...checkpoint,
    first: null,
    last: null,
    decisions: { allow: 0, deny: 0, unknown: 0 },
    shadow: { agreed: 0, differed: 0 },
    aggregated: 0,
    anchors: 0,
  }
  for await (const { entry, record } of readRecords(folders, 0, checkpoint.size)) {
    for (const { tile, bytes } of extendEdge(edge, entry, leafHash(entry)).tiles) {
      const stored = Buffer.concat(await readTile(folders.tlog, tile.level, tile.index, tile.width))
      if (!stored.equals(bytes)) {
        throw new Fault('AUDIT_BROKEN', `tile ${tile.level}/${tile.index} is not that of its records`)
      }
    }
    verified.first ??= record.ts
    verified.last = record.ts
    const { phase } = record
    if (phase === 'shadow') verified.shadow[record.reason_code === 'SHADOW_AGREED' ? 'agreed' : 'differed'] += 1
    else if (phase !== 'begin') verified.decisions[record.decision] += 1
    if (record.phase === 'aggregate') verified.aggregated += record.count
  }
  if (!(await edgeRoot(edge)).equals(checkpoint.root)) {
    throw new Fault('AUDIT_BROKEN', `the ${checkpoint.size} records do not have the root that the checkpoint signs`)
  }
  for (const [level, row] of edge.rows.entries()) {
    const index = Math.floor(edge.size / TILE_WIDTH ** (level + 1))
    const width = tileWidth(level, index, edge.size)
    const stored = width === 0 ? [] : await readTile(folders.tlog, level, index, width)
    if (!Buffer.concat(stored).equals(Buffer.concat(row))) {
      throw new Fault('AUDIT_BROKEN', `the partial tile ${level}/${index} is not that of its records`)
    }
  }
  for (const anchor of anchors.filter(({ origin }) => origin === checkpoint.origin)) {
    await compareAnchor(folders, checkpoint, anchor)
    verified.anchors += 1
  }
  return verified
}

async function compareAnchor({ tlog }: LogFolders, { size, origin }: Checkpoint, anchor: Checkpoint): Promise<void> {
  if (anchor.size > size) {
    throw new Fault('AUDIT_BROKEN', `${origin} has ${size} records, and ${anchor.size} were anchored`)
  }
  if ((await rootAt(anchor.size, tileNodes(tlog, size))).equals(anchor.root)) return
  throw new Fault('AUDIT_BROKEN', `the first ${anchor.size} records of ${origin} are not those that were anchored`)
}

/** The same for the audit folder of a Runtime. */
export function verifyAuditFolder(
  dir: string,
  verifier: string,
  anchors?: readonly Checkpoint[],
): Promise<VerifiedLog> {
  return verifyLog(logFolders(dir), verifier, anchors)
}
