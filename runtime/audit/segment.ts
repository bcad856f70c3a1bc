import { Fault } from '../../schemas/fault.ts'
import { hashLeaf } from './merkle.ts'

/** Longest record, in bytes: what an entry bundle can hold (C2SP tlog-tiles). */
export const MAX_ENTRY_BYTES = 65_535
// No byte of UTF-8 is 0xff, so the mark cannot stand inside a record.
const MARK = Buffer.from([0xff, 0x63, 0x74, 0x72])
const HEADER_BYTES = 19
const PREFIX_AT = HEADER_BYTES - 1
const HASH_BYTES = 32

/** One record as a segment holds it. `base` is how many records were durable when its batch was written. */
export type Frame = { index: number; base: number; entry: Buffer; leaf: Buffer }

/**
 * Mark, index (48 bits), base (48 bits), length (16 bits), a zero byte, record, leaf hash. The zero byte is the prefix of
 * the leaf hash, so that a record is hashed where it stands.
 * @returns the frame; its record and leaf are parts of `bytes`. Null for a record that no entry bundle can hold.
 */
export function formatFrame(index: number, base: number, record: string): (Frame & { bytes: Buffer }) | null {
  const length = Buffer.byteLength(record)
  if (length > MAX_ENTRY_BYTES) return null
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + length + HASH_BYTES)
  MARK.copy(bytes)
  bytes.writeUIntBE(index, 4, 6)
  bytes.writeUIntBE(base, 10, 6)
  bytes.writeUInt16BE(length, 16)
  bytes[PREFIX_AT] = 0
  const end = HEADER_BYTES + length
  bytes.write(record, HEADER_BYTES)
  const leaf = hashLeaf(bytes.subarray(PREFIX_AT, end))
  leaf.copy(bytes, end)
  return { index, base, entry: bytes.subarray(HEADER_BYTES, end), leaf, bytes }
}

function readFrame(bytes: Buffer, at: number): { frame: Frame; end: number } | null {
  if (at + HEADER_BYTES > bytes.length || !bytes.subarray(at, at + 4).equals(MARK)) return null
  const start = at + HEADER_BYTES
  const end = start + bytes.readUInt16BE(at + 16)
  if (end + HASH_BYTES > bytes.length) return null
  const entry = bytes.subarray(start, end)
  const leaf = bytes.subarray(end, end + HASH_BYTES)
  if (bytes[start - 1] !== 0 || !hashLeaf(bytes.subarray(start - 1, end)).equals(leaf)) return null
  const index = bytes.readUIntBE(at + 4, 6)
  return { frame: { index, base: bytes.readUIntBE(at + 10, 6), entry, leaf }, end: end + HASH_BYTES }
}

/**
 * The records of a segment that starts at record `first`, and where its torn tail begins: null when it has none. A
 * write is torn only within its last batch; damage before that is not a crash.
 * @throws Fault `AUDIT_BROKEN` when a record is damaged that was durable before another was written.
 */
export function readSegment(bytes: Buffer, first: number, path: string): { frames: Frame[]; tornAt: number | null } {
  const frames: Frame[] = []
  let at = 0
  while (at < bytes.length) {
    const read = readFrame(bytes, at)
    if (read === null || read.frame.index !== first + frames.length) break
    frames.push(read.frame)
    at = read.end
  }
  if (at === bytes.length) return { frames, tornAt: null }
  const damaged = first + frames.length
  for (let next = bytes.indexOf(MARK, at); next !== -1; next = bytes.indexOf(MARK, next + 1)) {
    const later = readFrame(bytes, next)
    if (later !== null && later.frame.base > damaged) {
      throw new Fault(
        'AUDIT_BROKEN',
        `${path}: record ${damaged} at byte ${at} is damaged, and record ${later.frame.index} was written after it was durable; restore the audit folder from a copy`,
      )
    }
  }
  return { frames, tornAt: at }
}
