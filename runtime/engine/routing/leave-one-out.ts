import type { Example } from './examples.ts'
import type { FeatureRows } from './feature-rows.ts'
import type { SvmState } from './svm.ts'
import { problemOf } from './train.ts'

/**
 * Margins that an example would have had if it had been left out of training: of its own intent (null for an example
 * without one), and of the best other intent.
 */
export type LeftOut = { own: number | null; rival: { intent: number; margin: number } | null }

/** What training left behind: for row `r` and intent `i`, the dual variable and the margin at `r * intents + i`. */
export type Duals = { intents: number; alphas: Float32Array; margins: Float32Array }

/** Rounds over the support vectors of an intent when one of them is left out; those that moved less than this rest. */
const ROUNDS = 4
const RESTING = 0.005

export function createDuals(rows: FeatureRows, intents: number): Duals {
  return {
    intents,
    alphas: new Float32Array(rows.count * intents),
    margins: new Float32Array(rows.count * intents),
  }
}

/** To be called with every intent right after it was trained. */
export function recordDuals(duals: Duals, rows: FeatureRows, intent: number, { weights, alphas }: SvmState): void {
  for (let row = 0; row < rows.count; row++) {
    duals.margins[row * duals.intents + intent] = dot(rows, weights, row)
    duals.alphas[row * duals.intents + intent] = alphas[row] as number
  }
}

/**
 * Leave-one-out without training again. Where an example is no support vector of an intent, leaving it out changes
 * nothing. Where it is, its part of the weights is taken back, and the utterances and support vectors of that intent
 * are optimised again from where training left them, by a few rounds of the same coordinate descent. Of the other
 * intents, only those that could win by an upper bound of their margin are looked at in this way.
 */
export function leaveOneOut(
  rows: FeatureRows,
  examples: readonly Example[],
  duals: Duals,
  wanted: readonly number[],
): LeftOut[] {
  const targets = wanted.map((row) => examples[row]?.target ?? null)
  const own = new Float64Array(wanted.length)
  const best = wanted.map((): LeftOut['rival'] => null)
  for (let intent = 0; intent < duals.intents; intent++) {
    const asked = [...wanted.keys()].filter((i) => targets[i] === intent)
    if (asked.length === 0) continue
    const marginOf = marginsWithout(rows, examples, duals, intent)
    for (const i of asked) own[i] = marginOf(wanted[i] as number)
  }
  for (let intent = 0; intent < duals.intents; intent++) {
    let marginOf: ((row: number) => number) | null = null
    for (const [i, row] of wanted.entries()) {
      if (targets[i] === intent || examples[row]?.not === intent) continue
      const at = row * duals.intents + intent
      const alpha = duals.alphas[at] as number
      let margin = duals.margins[at] as number
      // Without the row the margin of a rival is at most what it was and what the row took from it.
      const most = margin + alpha * (rows.squares[row] as number)
      if (alpha > 0 && most > Math.max(own[i] as number, best[i]?.margin ?? -Infinity)) {
        marginOf ??= marginsWithout(rows, examples, duals, intent)
        margin = marginOf(row)
      }
      if (margin > (best[i]?.margin ?? -Infinity)) best[i] = { intent, margin }
    }
  }
  return wanted.map((_, i) => ({ own: targets[i] === null ? null : (own[i] as number), rival: best[i] ?? null }))
}

/** For one intent, the margin of a row after it was taken out. */
function marginsWithout(
  rows: FeatureRows,
  examples: readonly Example[],
  { intents, alphas, margins }: Duals,
  intent: number,
): (row: number) => number {
  const { sides, slacks } = problemOf(examples, intent)
  const working = Int32Array.from(
    [...examples.keys()].filter((row) => sides[row] === 1 || (alphas[row * intents + intent] as number) > 0),
  )
  const trained = new Float64Array(rows.width)
  const start = Float64Array.from(working, (row) => alphas[row * intents + intent] as number)
  for (const [i, row] of working.entries()) move(rows, trained, row, (start[i] as number) * (sides[row] as number))
  const weights = new Float64Array(rows.width)
  return (out) => {
    const removed = working.indexOf(out)
    if (removed < 0 || start[removed] === 0) return margins[out * intents + intent] as number
    weights.set(trained)
    const duals = start.slice()
    const moved = new Float64Array(working.length).fill(Infinity)
    move(rows, weights, out, -(start[removed] as number) * (sides[out] as number))
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < working.length; i++) {
        const row = working[i] as number
        if (i === removed || (moved[i] as number) < RESTING) continue
        const side = sides[row] as number
        const slack = slacks[row] as number
        const dual = duals[i] as number
        const gradient = side * dot(rows, weights, row) - 1 + slack * dual
        const next = Math.max(0, dual - gradient / ((rows.squares[row] as number) + slack))
        moved[i] = Math.abs(next - dual)
        if (next === dual) continue
        duals[i] = next
        move(rows, weights, row, (next - dual) * side)
      }
    }
    return dot(rows, weights, out)
  }
}

function dot({ starts, ids, values }: FeatureRows, weights: Float64Array, row: number): number {
  let sum = 0
  const to = starts[row + 1] as number
  for (let k = starts[row] as number; k < to; k++) sum += (weights[ids[k] as number] as number) * (values[k] as number)
  return sum
}

function move({ starts, ids, values }: FeatureRows, weights: Float64Array, row: number, change: number): void {
  const to = starts[row + 1] as number
  for (let k = starts[row] as number; k < to; k++) {
    const id = ids[k] as number
    weights[id] = (weights[id] as number) + change * (values[k] as number)
  }
}
