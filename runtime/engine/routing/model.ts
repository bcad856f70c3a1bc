import type { ReadingRules } from './reading.ts'
import type { Vocabulary } from './spelling.ts'

/**
 * A trained router as data. Feature `i` is the hash (`high[i]`, `low[i]`); its weights are `weights[k]` for intent
 * `intentOf[k]`, `k` from `starts[i]` to `starts[i + 1]`, to be multiplied by the scale of the intent.
 */
export type RouterModel = {
  rules: ReadingRules
  fallback: string
  minMargin: number
  scoring: Scoring
  /** In code unit order of their names. */
  intents: TrainedIntent[]
  vocabulary: Vocabulary
  features: FeatureTable
}

/** The score is `slope * margin + offset`, bent towards 0 and 1, see `scale.ts`. */
export type Scoring = { slope: number; offset: number }

export type TrainedIntent = {
  name: string
  threshold: number
  scale: number
  bias: number
  /** UTF-8, one utterance a line, in code unit order. */
  utterances: Buffer
}

/** In ascending order of (`high` as unsigned, `low`). */
export type FeatureTable = {
  count: number
  high: Int32Array
  low: Uint16Array
  starts: Int32Array
  intentOf: Uint16Array
  weights: Int8Array
}
