import { createFeatureList, FAMILY_WEIGHTS, takeFeatures, type FeatureList } from './features.ts'
import type { Reading } from './reading.ts'

/**
 * Texts as rows of sparse features: `values[k]` of feature `ids[k]`, `k` from `starts[row]` to `starts[row + 1]`.
 * The last feature of every row, `width - 1`, is the bias. Feature `i` has the hash (`high[i]`, `low[i]`).
 */
export type FeatureRows = {
  count: number
  width: number
  starts: Int32Array
  ids: Int32Array
  values: Float64Array
  /** Squared length of each row. */
  squares: Float64Array
  high: Int32Array
  low: Uint16Array
  family: Uint8Array
}

/** As if every text had this many more features of each family: short texts do not shout. */
const EXTRA_FEATURES = 3

/**
 * Value of a feature of each family in a text with `counts` features of each: about unit length for each family, times
 * the weight of the family. A feature that no example has counts twice, at query.
 */
export function familyValues(counts: ArrayLike<number>): number[] {
  return FAMILY_WEIGHTS.map((weight, family) => weight / Math.sqrt((counts[family] as number) + EXTRA_FEATURES))
}

/** Features are numbered in ascending order of (`high` as unsigned, `low`). */
export function buildRows(readings: readonly Reading[]): FeatureRows {
  const list = createFeatureList()
  const lists = readings.map((reading) => copyOf(takeFeatures(reading, list)))
  const keys = distinctKeys(lists)
  const width = keys.length + 1
  const total = lists.reduce((sum, { keys: own }) => sum + own.length + 1, 0)
  const rows: FeatureRows = {
    count: readings.length,
    width,
    starts: new Int32Array(readings.length + 1),
    ids: new Int32Array(total),
    values: new Float64Array(total),
    squares: new Float64Array(readings.length),
    high: Int32Array.from(keys, (key) => Math.floor(key / 65_536)),
    low: Uint16Array.from(keys, (key) => key % 65_536),
    family: new Uint8Array(keys.length),
  }
  let at = 0
  for (const [row, own] of lists.entries()) {
    let square = 1
    for (const [i, key] of own.keys.entries()) {
      const id = indexIn(keys, key)
      const value = own.values[own.family[i] as number] as number
      rows.family[id] = own.family[i] as number
      rows.ids[at] = id
      rows.values[at] = value
      square += value * value
      at += 1
    }
    rows.ids[at] = width - 1
    rows.values[at] = 1
    at += 1
    rows.squares[row] = square
    rows.starts[row + 1] = at
  }
  return rows
}

type OwnFeatures = { keys: Float64Array; family: Uint8Array; values: number[] }

function copyOf(list: FeatureList): OwnFeatures {
  const keys = new Float64Array(list.count)
  for (let i = 0; i < list.count; i++) keys[i] = ((list.high[i] as number) >>> 0) * 65_536 + (list.low[i] as number)
  return { keys, family: list.family.slice(0, list.count), values: familyValues(list.perFamily) }
}

function distinctKeys(lists: readonly OwnFeatures[]): Float64Array {
  const all = new Float64Array(lists.reduce((sum, { keys }) => sum + keys.length, 0))
  let at = 0
  for (const { keys } of lists) {
    all.set(keys, at)
    at += keys.length
  }
  all.sort()
  return all.filter((key, i) => i === 0 || key !== all[i - 1])
}

function indexIn(sorted: Float64Array, key: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < key) low = middle + 1
    else high = middle
  }
  return low
}
