import type { Example } from './examples.ts'
import type { FeatureRows } from './feature-rows.ts'
import { neighbourFinder, type Neighbourhood } from './neighbours.ts'
import type { SvmProblem, SvmState } from './svm.ts'
import { problemOf } from './train.ts'

/**
 * Margins that an example would have had if it had been left out of training: of its own intent (null for an example
 * without one), and of the best other intent.
 */
export type LeftOut = { own: number | null; rival: { intent: number; margin: number } | null }

/** What training left behind: for row `r` and intent `i`, the dual variable and the margin at `r * intents + i`. */
export type Duals = { intents: number; alphas: Float32Array; margins: Float32Array }

/** Rows that are optimised again when one is left out, itself counted; and rounds over them. */
const NEIGHBOURS = 64
const ROUNDS = 4

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
    let margin = 0
    const to = rows.starts[row + 1] as number
    for (let k = rows.starts[row] as number; k < to; k++) {
      margin += (weights[rows.ids[k] as number] as number) * (rows.values[k] as number)
    }
    duals.margins[row * duals.intents + intent] = margin
    duals.alphas[row * duals.intents + intent] = alphas[row] as number
  }
}

/**
 * Leave-one-out without training again. For an intent of which the example is no support vector, nothing changes when
 * it is left out. Otherwise it gives back its part of the weights, and the 63 examples most like it, which are what
 * would have taken its place, are optimised again by a few rounds of the same coordinate descent, on their dot
 * products alone. All other examples keep their part, so that this is an approximation.
 */
export function leaveOneOut(
  rows: FeatureRows,
  examples: readonly Example[],
  duals: Duals,
  wanted: readonly number[],
): LeftOut[] {
  const neighboursOf = neighbourFinder(rows, NEIGHBOURS)
  const problems = new Map<number, SvmProblem>()
  const problem = (intent: number) => {
    const known = problems.get(intent) ?? problemOf(examples, intent)
    problems.set(intent, known)
    return known
  }
  return wanted.map((row) => {
    const { target, not } = examples[row] as Example
    const group = neighboursOf(row)
    const square = group.dots[0] as number
    const margin = (intent: number) => {
      const at = row * duals.intents + intent
      if (duals.alphas[at] === 0) return duals.margins[at] as number
      return marginWithout(group, problem(intent), duals, intent)
    }
    // The margin of a rival without the row is at most what it was and what the row took from it.
    const rivals = Array.from({ length: duals.intents }, (_, intent) => {
      const at = row * duals.intents + intent
      return { intent, most: (duals.margins[at] as number) + (duals.alphas[at] as number) * square }
    }).filter(({ intent }) => intent !== target && intent !== not)
    rivals.sort((a, b) => b.most - a.most || a.intent - b.intent)
    let rival: LeftOut['rival'] = null
    for (const { intent, most } of rivals) {
      if (rival !== null && most < rival.margin) break
      const found = margin(intent)
      if (rival === null || found > rival.margin) rival = { intent, margin: found }
    }
    return { own: target === null ? null : margin(target), rival }
  })
}

/** Margin of the first of a group after it was taken out and the others were optimised again. */
function marginWithout({ rows, dots }: Neighbourhood, problem: SvmProblem, duals: Duals, intent: number): number {
  const size = rows.length
  const margins = new Float64Array(size)
  const alphas = new Float64Array(size)
  for (let j = 0; j < size; j++) {
    const at = (rows[j] as number) * duals.intents + intent
    margins[j] = duals.margins[at] as number
    alphas[j] = duals.alphas[at] as number
  }
  const shift = (member: number, change: number) => {
    for (let j = 0; j < size; j++) margins[j] = (margins[j] as number) + change * (dots[member * size + j] as number)
  }
  shift(0, -(alphas[0] as number) * (problem.sides[rows[0] as number] as number))
  for (let round = 0; round < ROUNDS; round++) {
    for (let member = 1; member < size; member++) {
      const row = rows[member] as number
      const side = problem.sides[row] as number
      const alpha = alphas[member] as number
      const slack = problem.slacks[row] as number
      const gradient = side * (margins[member] as number) - 1 + slack * alpha
      if (side === 0 || (alpha === 0 && gradient >= 0)) continue
      const next = Math.max(0, alpha - gradient / ((dots[member * size + member] as number) + slack))
      alphas[member] = next
      shift(member, (next - alpha) * side)
    }
  }
  return margins[0] as number
}
