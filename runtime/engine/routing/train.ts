import type { Example } from './examples.ts'
import type { FeatureRows } from './feature-rows.ts'
import { WORD } from './features.ts'
import type { FeatureTable } from './model.ts'
import { trainSvm, type SvmProblem, type SvmState } from './svm.ts'

const COST = 1
const POSITIVE_WEIGHT = 3
/** Weights below this change no route and are left out. */
const SMALLEST_WEIGHT = 0.04

export type Trained = { features: FeatureTable; scales: number[]; biases: number[] }

/** The problem of one intent against all other examples. */
export function problemOf(examples: readonly Example[], intent: number): SvmProblem {
  const sides = Int8Array.from(examples, ({ target, not }) => {
    if (target === intent) return 1
    return not === null || not === intent ? -1 : 0
  })
  const slacks = Float64Array.from(examples, ({ target, not }) =>
    target === intent || not === intent ? 0.5 / (COST * POSITIVE_WEIGHT) : 0.5 / COST,
  )
  return { sides, slacks }
}

/** Trains every intent and keeps its weights as whole numbers from -127 to 127 times a scale of the intent. */
export function trainIntents(
  rows: FeatureRows,
  examples: readonly Example[],
  intents: number,
  visit: (intent: number, state: SvmState) => void,
): Trained {
  const state: SvmState = { weights: new Float64Array(rows.width), alphas: new Float64Array(rows.count) }
  const perFeature = new Int32Array(rows.width)
  const kept: { ids: Int32Array; weights: Int8Array }[] = []
  const scales: number[] = []
  const biases: number[] = []
  for (let intent = 0; intent < intents; intent++) {
    trainSvm(rows, problemOf(examples, intent), state)
    visit(intent, state)
    const { scale, ids, weights } = quantize(state.weights.subarray(0, rows.width - 1))
    for (const id of ids) perFeature[id] = (perFeature[id] as number) + 1
    kept.push({ ids, weights })
    scales.push(scale)
    biases.push(state.weights[rows.width - 1] as number)
  }
  return { features: featureTable(rows, perFeature, kept), scales, biases }
}

function quantize(weights: Float64Array): { scale: number; ids: Int32Array; weights: Int8Array } {
  let largest = 0
  for (const weight of weights) largest = Math.max(largest, Math.abs(weight))
  const scale = largest / 127
  const ids: number[] = []
  const quantized: number[] = []
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id] as number
    const rounded = Math.abs(weight) < SMALLEST_WEIGHT ? 0 : Math.round(weight / scale)
    if (rounded === 0) continue
    ids.push(id)
    quantized.push(rounded)
  }
  return { scale, ids: Int32Array.from(ids), weights: Int8Array.from(quantized) }
}

/** Words are kept even without a weight: a known word that decides nothing is not an unknown word. */
function featureTable(
  rows: FeatureRows,
  perFeature: Int32Array,
  kept: readonly { ids: Int32Array; weights: Int8Array }[],
): FeatureTable {
  const position = new Int32Array(rows.width).fill(-1)
  let count = 0
  for (let id = 0; id < rows.width - 1; id++) {
    if ((perFeature[id] as number) > 0 || rows.family[id] === WORD) position[id] = count++
  }
  const total = kept.reduce((sum, { ids }) => sum + ids.length, 0)
  const table: FeatureTable = {
    count,
    high: new Int32Array(count),
    low: new Uint16Array(count),
    starts: new Int32Array(count + 1),
    intentOf: new Uint16Array(total),
    weights: new Int8Array(total),
  }
  for (let id = 0; id < rows.width - 1; id++) {
    const at = position[id] as number
    if (at < 0) continue
    table.high[at] = rows.high[id] as number
    table.low[at] = rows.low[id] as number
    table.starts[at + 1] = (table.starts[at] as number) + (perFeature[id] as number)
  }
  const next = table.starts.slice()
  for (const [intent, { ids, weights }] of kept.entries()) {
    for (const [i, id] of ids.entries()) {
      const at = position[id] as number
      const k = next[at] as number
      next[at] = k + 1
      table.intentOf[k] = intent
      table.weights[k] = weights[i] as number
    }
  }
  return table
}
