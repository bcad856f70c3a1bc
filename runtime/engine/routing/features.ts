import type { Reading } from './reading.ts'

/** Words, pairs of neighbours, and runs of characters inside words. */
export const FAMILIES = 3
export const WORD = 0
export const PAIR = 1
export const GRAM = 2

/** What each family counts for in the norm of a text. */
export const FAMILY_WEIGHTS: readonly number[] = [1, 0.7, 1]

const SHORTEST_GRAM = 3
const LONGEST_GRAM = 5

/**
 * The distinct features of one text, as columns that are used again for the next text unless they were too short. A feature is a hash of 48
 * bits: `high` (32) and `low` (16). `first` and `second` are the units that it came from.
 */
export type FeatureList = {
  count: number
  high: Int32Array
  low: Int32Array
  family: Uint8Array
  first: Int32Array
  second: Int32Array
  perFamily: Int32Array
  slots: Int32Array
}

export function createFeatureList(capacity = 1024): FeatureList {
  return {
    count: 0,
    high: new Int32Array(capacity),
    low: new Int32Array(capacity),
    family: new Uint8Array(capacity),
    first: new Int32Array(capacity),
    second: new Int32Array(capacity),
    perFamily: new Int32Array(FAMILIES),
    slots: new Int32Array(capacity * 4).fill(-1),
  }
}

const EDGE = '\u0001'

export function takeFeatures({ tokens }: Reading, list: FeatureList): FeatureList {
  let out = clear(list)
  let previous = EDGE
  let from = -1
  for (const { form, stem, unit } of tokens) {
    out = add(out, WORD, hashHigh(WORD, stem, ''), hashLow(WORD, stem, ''), unit, unit)
    out = add(out, PAIR, hashHigh(PAIR, previous, stem), hashLow(PAIR, previous, stem), from < 0 ? unit : from, unit)
    out = addGrams(out, form, unit)
    previous = stem
    from = unit
  }
  if (from >= 0) out = add(out, PAIR, hashHigh(PAIR, previous, EDGE), hashLow(PAIR, previous, EDGE), from, from)
  return out
}

/** Hash of the feature that a word is: `high` and `low`. */
export function wordHash(stem: string): [high: number, low: number] {
  return [hashHigh(WORD, stem, ''), hashLow(WORD, stem, '')]
}

function addGrams(list: FeatureList, form: string, unit: number): FeatureList {
  let out = list
  const text = `<${form}>`
  for (let start = 0; start + SHORTEST_GRAM <= text.length; start++) {
    let high = seedHigh(GRAM)
    let low = seedLow(GRAM)
    const end = Math.min(text.length, start + LONGEST_GRAM)
    for (let at = start; at < end; at++) {
      const code = text.charCodeAt(at)
      high = stepHigh(high, code)
      low = stepLow(low, code)
      if (at - start + 1 >= SHORTEST_GRAM) out = add(out, GRAM, finish(high), finish(low) & 0xffff, unit, unit)
    }
  }
  return out
}

function hashHigh(family: number, a: string, b: string): number {
  let hash = seedHigh(family)
  for (let i = 0; i < a.length; i++) hash = stepHigh(hash, a.charCodeAt(i))
  hash = stepHigh(hash, 0)
  for (let i = 0; i < b.length; i++) hash = stepHigh(hash, b.charCodeAt(i))
  return finish(hash)
}

function hashLow(family: number, a: string, b: string): number {
  let hash = seedLow(family)
  for (let i = 0; i < a.length; i++) hash = stepLow(hash, a.charCodeAt(i))
  hash = stepLow(hash, 0)
  for (let i = 0; i < b.length; i++) hash = stepLow(hash, b.charCodeAt(i))
  return finish(hash) & 0xffff
}

const seedHigh = (family: number) => 0x811c9dc5 ^ family
const seedLow = (family: number) => 0x2f0b4c47 ^ family
const stepHigh = (hash: number, code: number) => Math.imul(hash ^ code, 0x01000193)
const stepLow = (hash: number, code: number) => Math.imul(hash ^ code, 0x5bd1e995) ^ (hash >>> 15)

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return mixed ^ (mixed >>> 16)
}

function clear(list: FeatureList): FeatureList {
  list.slots.fill(-1)
  list.perFamily.fill(0)
  list.count = 0
  return list
}

function add(list: FeatureList, family: number, high: number, low: number, first: number, second: number): FeatureList {
  const out = list.count < list.high.length ? list : grown(list)
  const mask = out.slots.length - 1
  let slot = high & mask
  for (let at = out.slots[slot] as number; at >= 0; at = out.slots[slot] as number) {
    if (out.high[at] === high && out.low[at] === low) return out
    slot = (slot + 1) & mask
  }
  out.slots[slot] = out.count
  out.high[out.count] = high
  out.low[out.count] = low
  out.family[out.count] = family
  out.first[out.count] = first
  out.second[out.count] = second
  out.perFamily[family] = (out.perFamily[family] as number) + 1
  out.count += 1
  return out
}

function grown(list: FeatureList): FeatureList {
  const out = createFeatureList(list.high.length * 2)
  for (let i = 0; i < list.count; i++) {
    add(
      out,
      list.family[i] as number,
      list.high[i] as number,
      list.low[i] as number,
      list.first[i] as number,
      list.second[i] as number,
    )
  }
  return out
}
