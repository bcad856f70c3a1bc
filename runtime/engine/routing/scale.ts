import type { Scoring } from './model.ts'

/** Score of a question without one known word, and of a usual question that is routed right. */
const SCORE_OF_NOTHING = 0.15
const SCORE_OF_USUAL = 0.85
const FLATTEST = 0.2
const STEEPEST = 1

/**
 * Margins of small and large bundles differ, so a score is a margin on the scale of its own bundle. `right` are the
 * margins of utterances that were left out of training and still found their intent: their median becomes 0.85. The
 * margin of a text without one known word, the largest bias, becomes 0.15. A threshold of 0.4 then means much the same
 * in every bundle.
 */
export function scaleOf(right: readonly number[], biases: readonly number[]): Scoring {
  const nothing = biases.reduce((largest, bias) => Math.max(largest, bias), -1)
  const sorted = [...right].sort((a, b) => a - b)
  const usual = sorted[sorted.length >> 1] ?? nothing
  const rise = (SCORE_OF_USUAL - SCORE_OF_NOTHING) / Math.max(usual - nothing, 0.001)
  const slope = Math.min(STEEPEST, Math.max(FLATTEST, rise))
  return { slope, offset: SCORE_OF_NOTHING - slope * nothing }
}

/** Scores are whole multiples of 1 / UNITS, so that contributions add up exactly in whatever order they are added. */
export const UNITS = 65_536

/** Beyond these, scores bend towards 1 and 0, which they never reach: a better match always has a better score. */
const BEND_HIGH = 0.8
const BEND_LOW = 0.1

/** Score of a margin, in units. */
export function scoreOf({ slope, offset }: Scoring, margin: number): number {
  const straight = slope * margin + offset
  return Math.round(UNITS * bent(straight))
}

function bent(straight: number): number {
  if (straight > BEND_HIGH) return 1 - ((1 - BEND_HIGH) * (1 - BEND_HIGH)) / (straight - BEND_HIGH + (1 - BEND_HIGH))
  if (straight < BEND_LOW) return (BEND_LOW * BEND_LOW) / (2 * BEND_LOW - straight)
  return straight
}
