import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { replaceFile, syncFolder } from './durable-file.ts'
import type { LogIdentity } from './identity.ts'
import { verifierOf } from './note.ts'
import { readSegment } from './segment.ts'
import { cutSegmentFile, listSegments, readSegmentFile } from './segment-files.ts'
import { readEntries, readTile } from './tile-files.ts'
import { TILE_WIDTH, tileWidth } from './tiles.ts'
import { edgeRoot, extendEdge, type Edge, type FullBundle, type FullTile } from './tree.ts'

export type Recovered = {
  checkpoint: Checkpoint
  edge: Edge
  /** What the records after the checkpoint filled. */
  tiles: FullTile[]
  bundles: FullBundle[]
  /** Bytes of a torn tail that were cut off; they stand in `quarantine/`. */
  tornBytes: number
}

/** The checkpoint that this process's predecessor signed last. */
export async function readOwnCheckpoint(dir: string, { origin, signer }: LogIdentity): Promise<Checkpoint> {
  const path = join(dir, 'tlog', 'checkpoint')
  let note: string
  try {
    note = await readFile(path, 'utf8')
  } catch (error) {
    throw new Fault('AUDIT_BROKEN', `${path} cannot be read; restore the audit folder from a copy`, { cause: error })
  }
  return openCheckpoint(note, origin, verifierOf(signer))
}

async function readEdge(folder: string, { size, root }: Checkpoint): Promise<Edge> {
  const rows: Buffer[][] = []
  for (let level = 0; TILE_WIDTH ** level <= size; level += 1) {
    const index = Math.floor(Math.floor(size / TILE_WIDTH ** level) / TILE_WIDTH)
    const width = tileWidth(level, index, size)
    rows.push(width === 0 ? [] : await readTile(folder, level, index, width))
  }
  const inBundle = size % TILE_WIDTH
  const entries = inBundle === 0 ? [] : await readEntries(folder, Math.floor(size / TILE_WIDTH), inBundle)
  const edge = { size, rows, entries }
  if (!(await edgeRoot(edge)).equals(root)) {
    throw new Fault(
      'AUDIT_BROKEN',
      `${folder}: the tiles do not have the root of the checkpoint; restore them from a copy`,
    )
  }
  return edge
}

/**
 * Reads back what is durable: the tiles under the last checkpoint, then the segments after it. A torn tail of the last
 * segment, which nobody was answered for, is put aside and cut off.
 * @throws Fault `AUDIT_BROKEN` when anything else is missing or damaged.
 */
export async function recoverLog(dir: string, identity: LogIdentity): Promise<Recovered> {
  const checkpoint = await readOwnCheckpoint(dir, identity)
  const edge = await readEdge(join(dir, 'tlog'), checkpoint)
  const recovered: Recovered = { checkpoint, edge, tiles: [], bundles: [], tornBytes: 0 }
  const files = await listSegments(join(dir, 'pending'))
  for (const [at, file] of files.entries()) {
    if (file.first > edge.size) {
      throw new Fault(
        'AUDIT_BROKEN',
        `${dir}: records ${edge.size} to ${file.first - 1} are missing; restore the audit folder from a copy`,
      )
    }
    const bytes = await readSegmentFile(file)
    const { frames, tornAt } = readSegment(bytes, file.first, file.path)
    if (tornAt !== null) {
      if (at !== files.length - 1)
        throw new Fault(
          'AUDIT_BROKEN',
          `${file.path} is damaged at byte ${tornAt}; restore the audit folder from a copy`,
        )
      await replaceFile(join(dir, 'quarantine', `${file.first + frames.length}.torn`), bytes.subarray(tornAt), 0o600)
      await syncFolder(join(dir, 'quarantine'))
      await cutSegmentFile(file, tornAt)
      recovered.tornBytes = bytes.length - tornAt
    }
    for (const { index, entry, leaf } of frames) {
      if (index < edge.size) continue
      const filled = extendEdge(edge, entry, leaf)
      recovered.tiles.push(...filled.tiles)
      if (filled.bundle !== null) recovered.bundles.push(filled.bundle)
    }
  }
  return recovered
}
