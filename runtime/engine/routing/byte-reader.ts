import { Fault } from '../../../schemas/fault.ts'

/** Reads a compiled file from its start, never past its end. Every method throws Fault `BUNDLE_UNVERIFIED`. */
export type ByteReader = {
  take: (length: number) => Buffer
  u32: () => number
  /** LEB128, at most 32 bits. */
  varint: () => number
  /** As many varints as asked for, in one go. */
  varints: (count: number) => Uint32Array
  u16: () => number
  i8: () => number
  f64: () => number
  text: () => string
  list: <T>(item: () => T) => T[]
  remaining: () => number
}

export function readBytes(bytes: Buffer, what: string): ByteReader {
  let at = 0
  const need = (length: number) => {
    if (bytes.length - at < length) {
      throw new Fault('BUNDLE_UNVERIFIED', `${what}: expected ${length} bytes at ${at}, found ${bytes.length - at}`)
    }
    at += length
    return at - length
  }
  const reader: ByteReader = {
    take: (length) => {
      const from = need(length)
      return bytes.subarray(from, from + length)
    },
    f64: () => {
      const value = bytes.readDoubleLE(need(8))
      if (Number.isFinite(value)) return value
      throw new Fault('BUNDLE_UNVERIFIED', `${what}: expected a finite number before ${at}`)
    },
    text: () => reader.take(reader.varint()).toString('utf8'),
    list: (item) => {
      const length = reader.varint()
      const items = []
      // One item is at least one byte: a length that lies ends in a fault, not in memory.
      for (let i = 0; i < length; i++) items.push(item())
      return items
    },
    u32: () => bytes.readUInt32LE(need(4)),
    u16: () => bytes.readUInt16LE(need(2)),
    i8: () => bytes.readInt8(need(1)),
    varint: () => {
      let value = 0
      for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
        const byte = bytes[need(1)] as number
        value += (byte & 127) * factor
        if (byte < 128) return value
      }
      throw new Fault('BUNDLE_UNVERIFIED', `${what}: expected a number of at most 5 bytes before ${at}`)
    },
    varints: (count) => {
      // Each is at least one byte: a count that lies cannot make us reserve memory for it.
      if (count > bytes.length - at) need(count)
      const values = new Uint32Array(count)
      let next = at
      for (let i = 0; i < count; i++) {
        let byte = bytes[next++] ?? 0
        let value = byte & 127
        for (let factor = 128; byte > 127 && factor <= 2 ** 28; factor *= 128) {
          byte = bytes[next++] ?? 0
          value += (byte & 127) * factor
        }
        values[i] = value
      }
      need(next - at)
      return values
    },
    remaining: () => bytes.length - at,
  }
  return reader
}
