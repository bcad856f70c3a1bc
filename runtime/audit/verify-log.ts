import { Fault } from '../../schemas/fault.ts'
import type { Checkpoint } from './checkpoint.ts'
import { leafHash, rootAt } from './merkle.ts'
import { logFolders, readCheckpoint, readRecords, type LogFolders } from './read-log.ts'
import type { ShadowCount } from '../../schemas/http/shadow.ts'
import type { ShadowNote } from './shadow-note.ts'
import { addToTally, emptyTally, type Tally } from './tally.ts'
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
  /** Calls that were begun and not ended. */
  unfinished: number
  /** Anchors that the log was compared with. */
  anchors: number
}

/** What others keep of a log. */
export type KeptElsewhere = {
  anchors?: readonly Checkpoint[]
  /** Counts of comparisons that were witnessed. */
  shadow?: ShadowNote | null
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
  { anchors = [], shadow = null }: KeptElsewhere = {},
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
    unfinished: 0,
    anchors: 0,
  }
  const tally = emptyTally()
  if (shadow !== null && shadow.size > checkpoint.size)
    throw new Fault(
      'AUDIT_BROKEN',
      `comparisons of ${shadow.size} records were witnessed, and there are ${checkpoint.size}`,
    )
  for await (const { index, entry, record } of readRecords(folders, 0, checkpoint.size)) {
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
    addToTally(tally, index, record)
    if (index + 1 === shadow?.size) compareShadow(tally, shadow)
  }
  verified.unfinished = tally.begins.size
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

/** The records up to a size against what was witnessed of them. */
function compareShadow({ shadow: found }: Tally, { size, counts }: ShadowNote): void {
  const isSame = counts.length === found.size && counts.every((count) => isCounted(found, count))
  if (isSame) return
  throw new Fault('AUDIT_BROKEN', `the comparisons in the first ${size} records are not those that were witnessed`)
}

function isCounted(found: Tally['shadow'], { tenant, against, digest, agreed, differed }: ShadowCount): boolean {
  const count = found.get(`${tenant} ${against} ${digest}`)
  return count?.agreed === agreed && count.differed === differed
}

async function compareAnchor({ tlog }: LogFolders, { size, origin }: Checkpoint, anchor: Checkpoint): Promise<void> {
  if (anchor.size > size) {
    throw new Fault('AUDIT_BROKEN', `${origin} has ${size} records, and ${anchor.size} were anchored`)
  }
  if ((await rootAt(anchor.size, tileNodes(tlog, size))).equals(anchor.root)) return
  throw new Fault('AUDIT_BROKEN', `the first ${anchor.size} records of ${origin} are not those that were anchored`)
}

/** The same for the audit folder of a Runtime. */
export function verifyAuditFolder(dir: string, verifier: string, kept?: KeptElsewhere): Promise<VerifiedLog> {
  return verifyLog(logFolders(dir), verifier, kept)
}
