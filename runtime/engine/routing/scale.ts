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
