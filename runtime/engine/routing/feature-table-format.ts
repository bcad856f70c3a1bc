import { Fault } from '../../../schemas/fault.ts'
import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { FeatureTable } from './model.ts'

/**
 * Column by column: hashes as differences, their low halves, how many weights each feature has, the intents of the
 * weights (one byte each up to 256 intents, else two), and the weights.
 */
export function writeFeatureTable(out: ByteWriter, table: FeatureTable, intents: number): void {
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
  if (intents <= 256) out.put(Uint8Array.from(intentOf))
  else for (const intent of intentOf) out.u16(intent)
  out.put(new Uint8Array(weights.buffer, weights.byteOffset, weights.length))
}

/** @throws Fault `BUNDLE_UNVERIFIED` where a column leaves its bounds. */
export function readFeatureTable(input: ByteReader, intents: number, what: string): FeatureTable {
  const count = input.varint()
  const total = input.varint()
  // Every feature has at least 4 bytes and every weight 2: what claims more cannot make us reserve memory for it.
  assertBounds(count * 4 + total * 2 <= input.remaining(), what, `${count} features with ${total} weights`)
  const differences = input.varints(count)
  const high = new Int32Array(count)
  let hash = 0
  for (let i = 0; i < count; i++) {
    hash += differences[i] as number
    high[i] = hash | 0
  }
  assertBounds(hash < 2 ** 32, what, `hash ${hash}`)
  const lowBytes = input.take(count * 2)
  const low = new Uint16Array(count)
  for (let i = 0; i < count; i++) low[i] = (lowBytes[i * 2] as number) | ((lowBytes[i * 2 + 1] as number) << 8)
  const lengths = input.varints(count)
  const starts = new Int32Array(count + 1)
  let end = 0
  for (let i = 0; i < count; i++) {
    end += lengths[i] as number
    assertBounds(end <= total, what, `weights of feature ${i}`)
    starts[i + 1] = end
  }
  assertBounds(end === total, what, `${end} of ${total} weights`)
  const width = intents <= 256 ? 1 : 2
  const named = input.take(total * width)
  const intentOf = new Uint16Array(total)
  let largest = 0
  for (let k = 0; k < total; k++) {
    const intent = width === 1 ? (named[k] as number) : (named[k * 2] as number) | ((named[k * 2 + 1] as number) << 8)
    if (intent > largest) largest = intent
    intentOf[k] = intent
  }
  assertBounds(total === 0 || largest < intents, what, `intent ${largest} of ${intents}`)
  const weights = new Int8Array(total)
  weights.set(input.take(total))
  return { count, high, low, starts, intentOf, weights }
}

function assertBounds(holds: boolean, what: string, found: string): void {
  if (!holds) throw new Fault('BUNDLE_UNVERIFIED', `${what}: out of bounds: ${found}; seal the bundle again`)
}
