import type { ObjectType } from './object-reader.ts'

/** What stands before the compressed bytes of one entry of a pack. */
export type EntryHead = {
  /** `null` for a delta: it has the type of its base. */
  type: ObjectType | null
  /** Bytes of the object, or of the delta itself. */
  size: number
  /** Bytes before the compressed data. */
  length: number
  base: { offset: number } | { oid: Buffer } | null
}

const TYPES: readonly (ObjectType | undefined)[] = [undefined, 'commit', 'tree', 'blob', 'tag']
const OFFSET_DELTA = 6
const NAME_DELTA = 7
/** Type and size, then the longest base: an offset of ten bytes or a name of twenty. */
export const MAX_HEAD_BYTES = 32

/** `null` when the bytes are no entry, or when its base does not stand before it. */
export function parseEntryHead(bytes: Buffer, offset: number): EntryHead | null {
  let at = 0
  let byte = bytes[at++] ?? 0
  const code = (byte >> 4) & 7
  let size = byte & 15
  for (let weight = 16; byte & 0x80; weight *= 128) {
    if (at > 7 || at >= bytes.length) return null
    byte = bytes[at++] ?? 0
    size += (byte & 0x7f) * weight
  }
  const type = TYPES[code]
  if (type !== undefined) return { type, size, length: at, base: null }
  if (code === NAME_DELTA) {
    if (at + 20 > bytes.length) return null
    return { type: null, size, length: at + 20, base: { oid: bytes.subarray(at, at + 20) } }
  }
  if (code !== OFFSET_DELTA) return null
  let distance = -1
  do {
    if (at >= bytes.length || distance > Number.MAX_SAFE_INTEGER / 256) return null
    byte = bytes[at++] ?? 0
    distance = (distance + 1) * 128 + (byte & 0x7f)
  } while (byte & 0x80)
  if (distance <= 0 || distance > offset - 12) return null
  return { type: null, size, length: at, base: { offset: offset - distance } }
}
