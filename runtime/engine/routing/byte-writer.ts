/** Grows as it is written to; the counterpart of `byte-reader.ts`. */
export type ByteWriter = {
  put: (bytes: Uint8Array) => void
  u32: (value: number) => void
  u16: (value: number) => void
  i8: (value: number) => void
  f64: (value: number) => void
  varint: (value: number) => void
  text: (value: string) => void
  list: <T>(items: readonly T[], item: (value: T) => void) => void
  bytes: () => Buffer
}

export function writeBytes(): ByteWriter {
  let buffer = Buffer.alloc(65_536)
  let at = 0
  const room = (length: number) => {
    if (at + length > buffer.length) buffer = Buffer.concat([buffer], Math.max(buffer.length * 2, at + length))
    at += length
    return at - length
  }
  const byte = (value: number) => {
    const from = room(1)
    buffer[from] = value
  }
  const writer: ByteWriter = {
    put: (bytes) => {
      const from = room(bytes.length)
      buffer.set(bytes, from)
    },
    u32: (value) => {
      const from = room(4)
      buffer.writeUInt32LE(value, from)
    },
    u16: (value) => {
      const from = room(2)
      buffer.writeUInt16LE(value, from)
    },
    i8: (value) => {
      const from = room(1)
      buffer.writeInt8(value, from)
    },
    f64: (value) => {
      const from = room(8)
      buffer.writeDoubleLE(value, from)
    },
    text: (value) => {
      const encoded = Buffer.from(value, 'utf8')
      writer.varint(encoded.length)
      writer.put(encoded)
    },
    list: (items, item) => {
      writer.varint(items.length)
      for (const value of items) item(value)
    },
    varint: (value) => {
      let rest = value
      for (; rest > 127; rest = Math.floor(rest / 128)) byte((rest % 128) | 128)
      byte(rest)
    },
    bytes: () => Buffer.from(buffer.subarray(0, at)),
  }
  return writer
}
