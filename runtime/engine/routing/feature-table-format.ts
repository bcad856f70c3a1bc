import { Fault } from '../../../schemas/fault.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { FeatureTable } from './model.ts'

/**
 * Column by column: hashes as differences, their low halves, how many weights each feature has, their intents as
 * differences within a feature, and the weights.
 */
export function writeFeatureTable(out: ByteWriter, table: FeatureTable): void {
  const { count, high, low, starts, intentOf, weights } = table
  out.varint(count)
  out.varint(weights.length)
  for (let i = 0, before = 0; i < count; i++) {
    const hash = (high[i] as number) >>> 0
    out.varint(hash - before)
    before = hash
  }
  for (let i = 0; i < count; i++) out.u16(low[i] as number)
  for (let i = 0; i < count; i++) out.varint((starts[i + 1] as number) - (starts[i] as number))
  for (let i = 0; i < count; i++) {
    for (let k = starts[i] as number, before = 0; k < (starts[i + 1] as number); k++) {
      out.varint((intentOf[k] as number) - before)
      before = intentOf[k] as number
    }
  }
  out.put(new Uint8Array(weights.buffer, weights.byteOffset, weights.length))
}

/** @throws Fault `BUNDLE_UNVERIFIED` where a column leaves its bounds. */
export function readFeatureTable(input: ByteReader, intents: number, what: string): FeatureTable {
  const count = input.varint()
  const total = input.varint()
  // Every feature has at least 4 bytes and every weight 2: what claims more cannot make us reserve memory for it.
  assertBounds(count * 4 + total * 2 <= input.remaining(), what, `${count} features with ${total} weights`)
  const high = new Int32Array(count)
  for (let i = 0, hash = 0; i < count; i++) {
    hash += input.varint()
    assertBounds(hash < 2 ** 32, what, `feature ${i}`)
    high[i] = hash | 0
  }
  const lowBytes = input.take(count * 2)
  const low = new Uint16Array(count)
  for (let i = 0; i < count; i++) low[i] = (lowBytes[i * 2] as number) | ((lowBytes[i * 2 + 1] as number) << 8)
  const starts = new Int32Array(count + 1)
  for (let i = 0, at = 0; i < count; i++) {
    at += input.varint()
    assertBounds(at <= total, what, `weights of feature ${i}`)
    starts[i + 1] = at
  }
  assertBounds(starts[count] === total, what, `${starts[count]} of ${total} weights`)
  const intentOf = new Uint16Array(total)
  for (let i = 0; i < count; i++) {
    for (let k = starts[i] as number, intent = 0; k < (starts[i + 1] as number); k++) {
      intent += input.varint()
      assertBounds(intent < intents, what, `intent ${intent} of ${intents}`)
      intentOf[k] = intent
    }
  }
  const weights = new Int8Array(total)
  weights.set(input.take(total))
  return { count, high, low, starts, intentOf, weights }
}

function assertBounds(holds: boolean, what: string, found: string): void {
  if (!holds) throw new Fault('BUNDLE_UNVERIFIED', `${what}: out of bounds: ${found}; seal the bundle again`)
}
