import type { FeatureRows } from './feature-rows.ts'

/**
 * Which side each row is on: 1, -1, or 0 for a row that does not take part; and `slacks`, half of one over the cost of
 * leaving it on the wrong side.
 */
export type SvmProblem = { sides: Int8Array; slacks: Float64Array }

export type SvmState = { weights: Float64Array; alphas: Float64Array }

const EPOCHS = 15
const TOLERANCE = 0.1
const SEED = 12_345

/**
 * Linear support vector machine with squared hinge loss, by dual coordinate descent with shrinking (Hsieh and others,
 * "A Dual Coordinate Descent Method for Large-scale Linear SVM", 2008, algorithm 3). Uses only + - * / on doubles in
 * one fixed order, so that every machine computes the same bits. `state` is written over.
 */
export function trainSvm(rows: FeatureRows, { sides, slacks }: SvmProblem, state: SvmState): void {
  const { starts, ids, values, squares } = rows
  const { weights, alphas } = state
  weights.fill(0)
  alphas.fill(0)
  const order = new Int32Array(rows.count)
  let all = 0
  for (let row = 0; row < rows.count; row++) if (sides[row] !== 0) order[all++] = row
  const random = sequence(SEED)
  let active = all
  let highest = Infinity
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, active, random)
    let newHighest = -Infinity
    let newLowest = Infinity
    for (let s = 0; s < active; s++) {
      const row = order[s] as number
      const side = sides[row] as number
      const from = starts[row] as number
      const to = starts[row + 1] as number
      let margin = 0
      for (let k = from; k < to; k++) margin += (weights[ids[k] as number] as number) * (values[k] as number)
      const alpha = alphas[row] as number
      const slack = slacks[row] as number
      const gradient = side * margin - 1 + slack * alpha
      if (alpha === 0 && gradient > highest) {
        active -= 1
        order[s] = order[active] as number
        order[active] = row
        s -= 1
        continue
      }
      const projected = alpha === 0 && gradient > 0 ? 0 : gradient
      if (projected > newHighest) newHighest = projected
      if (projected < newLowest) newLowest = projected
      if (projected === 0) continue
      const next = Math.max(0, alpha - gradient / ((squares[row] as number) + slack))
      const change = (next - alpha) * side
      alphas[row] = next
      for (let k = from; k < to; k++) {
        const id = ids[k] as number
        weights[id] = (weights[id] as number) + change * (values[k] as number)
      }
    }
    const converged = newHighest - newLowest <= TOLERANCE
    if (converged && active === all) return
    // What was set aside is looked at once more before the end.
    if (converged) active = all
    highest = converged || newHighest <= 0 ? Infinity : newHighest
  }
}

function shuffle(order: Int32Array, length: number, random: () => number): void {
  for (let i = length - 1; i > 0; i--) {
    const j = random() % (i + 1)
    const held = order[i] as number
    order[i] = order[j] as number
    order[j] = held
  }
}

/** Linear congruential generator of Numerical Recipes, 32 bits. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state >>> 0
  }
}
