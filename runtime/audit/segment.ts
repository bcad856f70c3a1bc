import { Fault } from '../../schemas/fault.ts'
import { hashLeaf, writeLeafHash } from './merkle.ts'

/** Longest record, in bytes: what an entry bundle can hold (C2SP tlog-tiles). */
export const MAX_ENTRY_BYTES = 65_535
// No byte of UTF-8 is 0xff, so the mark cannot stand inside a record.
const MARK = Buffer.from([0xff, 0x63, 0x74, 0x72])
const HEADER_BYTES = 19
const PREFIX_AT = HEADER_BYTES - 1
const HASH_BYTES = 32

/** One record as a segment holds it. `base` is how many records were durable when its batch was written. */
export type Frame = { index: number; base: number; entry: Buffer; leaf: Buffer }

/** Whether a record fits into an entry bundle. */
export function fitsEntry(record: string): boolean {
  return record.length * 3 <= MAX_ENTRY_BYTES || Buffer.byteLength(record) <= MAX_ENTRY_BYTES
}

/**
 * The frames of one batch that begins with record `first`, one behind the other in `bytes`: mark, index (48 bits), base
 * (48 bits), length (16 bits), a zero byte, record, leaf hash. The zero byte is the prefix of the leaf hash, so that a
 * record is hashed where it stands.
 * @param records each fits an entry bundle
 * @returns frames whose record and leaf are parts of `bytes`
 */
export function formatFrames(first: number, records: readonly string[]): { bytes: Buffer; frames: Frame[] } {
  const lengths = records.map((record) => Buffer.byteLength(record))
  const bytes = Buffer.allocUnsafeSlow(
    lengths.reduce((sum, length) => sum + length, records.length * (HEADER_BYTES + HASH_BYTES)),
  )
  let at = 0
  const frames = records.map((record, offset) => {
    const length = lengths[offset] as number
    const start = at + HEADER_BYTES
    const end = start + length
    const index = first + offset
    bytes.set(MARK, at)
    bytes.writeUIntBE(index, at + 4, 6)
    bytes.writeUIntBE(first, at + 10, 6)
    bytes.writeUInt16BE(length, at + 16)
    bytes[at + PREFIX_AT] = 0
    bytes.write(record, start)
    const leaf = bytes.subarray(end, end + HASH_BYTES)
    writeLeafHash(bytes.subarray(at + PREFIX_AT, end), leaf)
    at = end + HASH_BYTES
    return { index, base: first, entry: bytes.subarray(start, end), leaf }
  })
  return { bytes, frames }
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
