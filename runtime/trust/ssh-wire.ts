import { Fault } from '../../schemas/fault.ts'
import type { Reason } from '../../schemas/reasons.ts'

/** Reads the binary encoding of RFC 4251 section 5; every method throws when fewer bytes are left than it needs. */
export type WireReader = {
  byte(): number
  uint32(): number
  /** A length and that many bytes. */
  string(): Buffer
  /** Everything that is left. */
  rest(): Buffer
  /** Throws unless nothing is left. */
  end(): void
}

/** @throws Fault `reason` on whatever does not fit, naming `what` was read. */
export function readWire(bytes: Buffer, reason: Reason, what: string): WireReader {
  let offset = 0
  function take(length: number): Buffer {
    if (bytes.length - offset < length)
      throw new Fault(
        reason,
        `${what}: expected ${length} more bytes at offset ${offset}, found ${bytes.length - offset}`,
      )
    offset += length
    return bytes.subarray(offset - length, offset)
  }
  return {
    byte: () => take(1).readUInt8(),
    uint32: () => take(4).readUInt32BE(),
    string: () => take(take(4).readUInt32BE()),
    rest: () => take(bytes.length - offset),
    end() {
      if (offset !== bytes.length)
        throw new Fault(
          reason,
          `${what}: expected the end at offset ${offset}, found ${bytes.length - offset} more bytes`,
        )
    },
  }
}

/** The `string` of RFC 4251 section 5. */
export function wireString(value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([wireUint32(bytes.length), bytes])
}

export function wireUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Base64 as RFC 4648 writes it: padded, no other characters, no bits left over; null for any other text. */
export function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return text !== '' && bytes.toString('base64') === text ? bytes : null
}
