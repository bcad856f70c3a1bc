import { foldPair, formatEntries, TILE_WIDTH, type TileId } from './tiles.ts'
import { rootAt, type NodeId } from './merkle.ts'
import { tileOfNode } from './tiles.ts'

export type FullTile = { tile: TileId; bytes: Buffer }
export type FullBundle = { index: number; bytes: Buffer }

/** The right edge of a log in memory: everything that is not yet part of a full tile. */
export type Edge = { size: number; rows: Buffer[][]; entries: Buffer[] }

type Filled = { tiles: readonly FullTile[]; bundle: FullBundle | null }

const NOTHING: Filled = { tiles: [], bundle: null }

/** Adds one durable record to `edge`; what it filled comes back, to be written. */
export function extendEdge(edge: Edge, entry: Buffer, leaf: Buffer): Filled {
  const index = Math.floor(edge.size / TILE_WIDTH)
  edge.size += 1
  edge.entries.push(entry)
  let tiles: FullTile[] | null = null
  let carry: Buffer | null = leaf
  for (let level = 0; carry !== null; level += 1) {
    const row: Buffer[] = (edge.rows[level] ??= [])
    row.push(carry)
    carry = null
    if (row.length === TILE_WIDTH) {
      const tileIndex = Math.floor(edge.size / TILE_WIDTH ** (level + 1)) - 1
      tiles ??= []
      tiles.push({ tile: { level, index: tileIndex, width: TILE_WIDTH }, bytes: Buffer.concat(row) })
      carry = foldPair(row)
      edge.rows[level] = []
    }
  }
  if (edge.entries.length < TILE_WIDTH) return tiles === null ? NOTHING : { tiles, bundle: null }
  const bundle = { index, bytes: formatEntries(edge.entries) }
  edge.entries = []
  return { tiles: tiles ?? [], bundle }
}

/** The partial tiles of the right edge. */
export function partialTiles(edge: Edge): FullTile[] {
  return edge.rows.flatMap((row, level) => {
    if (row.length === 0) return []
    const index = Math.floor(Math.floor(edge.size / TILE_WIDTH ** level) / TILE_WIDTH)
    return [{ tile: { level, index, width: row.length }, bytes: Buffer.concat(row) }]
  })
}

/** The root of the whole log. All nodes that it needs stand in rows of the edge. */
export function edgeRoot(edge: Edge): Promise<Buffer> {
  return rootAt(edge.size, (node: NodeId) => {
    const { level, from, to } = tileOfNode(node)
    return Promise.resolve(foldPair((edge.rows[level] as Buffer[]).slice(from, to)))
  })
}
