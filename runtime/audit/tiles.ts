import { nodeHash, type NodeId } from './merkle.ts'

/** Hashes in a full tile, and entries in a full bundle (C2SP tlog-tiles). */
export const TILE_WIDTH = 256
const HASH_BYTES = 32

/** A tile of hashes; `width` is below 256 for a partial tile at the right edge. */
export type TileId = { level: number; index: number; width: number }

/** `1234067` is `x001/x234/067`: what keeps folders small (C2SP tlog-tiles). */
function indexPath(index: number): string {
  const last = String(index % 1000).padStart(3, '0')
  const rest = Math.floor(index / 1000)
  return rest === 0 ? last : `${indexPath(rest).replace(/(\d{3})$/, 'x$1')}/${last}`
}

function suffix(width: number): string {
  return width === TILE_WIDTH ? '' : `.p/${width}`
}

/** `tile/<level>/<index>[.p/<width>]` */
export function tilePath({ level, index, width }: TileId): string {
  return `tile/${level}/${indexPath(index)}${suffix(width)}`
}

/** `tile/entries/<index>[.p/<width>]` */
export function entriesPath(index: number, width: number): string {
  return `tile/entries/${indexPath(index)}${suffix(width)}`
}

/** How many of the 256 places of tile `index` of `level` a tree of `size` fills. */
export function tileWidth(level: number, index: number, size: number): number {
  const nodes = Math.floor(size / TILE_WIDTH ** level)
  return Math.max(0, Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH))
}

/** The tile that holds what a node is computed from, and which of its hashes. */
export function tileOfNode({ level, index }: NodeId): { level: number; index: number; from: number; to: number } {
  const tileLevel = Math.floor(level / 8)
  const span = 2 ** (level - tileLevel * 8)
  const from = (index * span) % TILE_WIDTH
  return { level: tileLevel, index: Math.floor((index * span) / TILE_WIDTH), from, to: from + span }
}

/** The root of `hashes`, whose number is a power of two. */
export function foldPair(hashes: readonly Buffer[]): Buffer {
  let row = hashes
  while (row.length > 1) {
    const above: Buffer[] = []
    for (let at = 0; at < row.length; at += 2) above.push(nodeHash(row[at] as Buffer, row[at + 1] as Buffer))
    row = above
  }
  return row[0] as Buffer
}

export function splitTile(bytes: Buffer): Buffer[] {
  const hashes: Buffer[] = []
  for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(bytes.subarray(at, at + HASH_BYTES))
  return hashes
}

/** An entry bundle: each entry behind its length, 16 bits, big-endian (C2SP tlog-tiles). */
export function formatEntries(entries: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.allocUnsafe(entries.reduce((sum, { length }) => sum + 2 + length, 0))
  let at = 0
  for (const entry of entries) {
    bytes.set(entry, bytes.writeUInt16BE(entry.length, at))
    at += 2 + entry.length
  }
  return bytes
}

/** @returns null when the bytes end within an entry. */
export function parseEntries(bytes: Buffer): Buffer[] | null {
  const entries: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + 2 > bytes.length) return null
    const length = bytes.readUInt16BE(at)
    if (at + 2 + length > bytes.length) return null
    entries.push(bytes.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return entries
}
