/**
 * The size that a delta says its result has, read before anything is made of it, and the size that it expects of its
 * base. `null` when the delta is malformed.
 */
export function deltaSizes(delta: Buffer): { base: number; result: number; start: number } | null {
  const base = varint(delta, 0)
  const result = base === null ? null : varint(delta, base.next)
  return base === null || result === null ? null : { base: base.value, result: result.value, start: result.next }
}

/** Applies a Git delta within the size that its head names. `null` when it is malformed or leaves its bounds. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer | null {
  const sizes = deltaSizes(delta)
  if (sizes === null || sizes.base !== base.length) return null
  const out = Buffer.allocUnsafe(sizes.result)
  let written = 0
  let at = sizes.start
  while (at < delta.length) {
    const opcode = delta[at++] ?? 0
    if (opcode === 0) return null
    let source = delta
    let from = at
    let length = opcode
    if (opcode & 0x80) {
      from = 0
      length = 0
      for (let i = 0; i < 4; i++) if (opcode & (1 << i)) from += (delta[at++] ?? 0) * 2 ** (8 * i)
      for (let i = 0; i < 3; i++) if (opcode & (0x10 << i)) length |= (delta[at++] ?? 0) << (8 * i)
      if (length === 0) length = 0x10000
      source = base
    } else {
      at += length
    }
    if (at > delta.length || from + length > source.length || written + length > out.length) return null
    source.copy(out, written, from, from + length)
    written += length
  }
  return written === out.length ? out : null
}

function varint(bytes: Buffer, at: number): { value: number; next: number } | null {
  let value = 0
  for (let i = 0; i < 7; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return null
    value += (byte & 0x7f) * 2 ** (7 * i)
    if ((byte & 0x80) === 0) return { value, next: at + i + 1 }
  }
  return null
}
