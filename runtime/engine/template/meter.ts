import { Fault } from '../../../schemas/fault.ts'
import { MAX_OUTPUT, MAX_STEPS } from './limits.ts'

/** Counts what one rendering costs, in steps and not in time, so that the same rendering always costs the same. */
export type Meter = {
  /** Counts one step and one more for each 64 units (characters, or 8 for an item) that are handled. */
  spend(units: number): void
  /** Steps counted so far. */
  steps(): number
  /** Refuses a text of so many characters, before it is made. */
  fits(chars: number): void
}

/** @throws Fault `BUDGET_EXCEEDED` from its functions, past `MAX_STEPS` or `MAX_OUTPUT`. */
export function startMeter(path: string): Meter {
  let steps = 0
  return {
    spend(units) {
      steps += 1 + Math.floor(units / 64)
      if (steps > MAX_STEPS) {
        throw new Fault('BUDGET_EXCEEDED', `${path}: the rendering needs more than ${MAX_STEPS} steps; loop over less.`)
      }
    },
    steps: () => steps,
    fits(chars) {
      if (chars > MAX_OUTPUT) {
        throw new Fault('BUDGET_EXCEEDED', `${path}: a text is longer than ${MAX_OUTPUT} characters; render less.`)
      }
    },
  }
}
