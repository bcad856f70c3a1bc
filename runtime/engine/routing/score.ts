import { apportion } from './apportion.ts'
import { familyValues } from './feature-rows.ts'
import { createFeatureList, FAMILIES, takeFeatures, WORD, type FeatureList } from './features.ts'
import type { FindFeature } from './hash-index.ts'
import type { FeatureTable, RouterModel } from './model.ts'
import type { Reading } from './reading.ts'
import { scoreOf, UNITS } from './scale.ts'

export type Scored = {
  /** Index of the intent with the largest score, and of the second; -1 where there is none. Ties go by name. */
  best: number
  second: number
  /** Score of every intent in units; used again for the next question. */
  all: Float64Array
  /** What each unit of the question gives to the score of the best intent, in units; adds up to that score. */
  contributions: number[]
  /** 1 for each unit of the question with a word that no utterance has. */
  unknown: Uint8Array
}

/** Scores one reading; the function keeps its columns between calls, so it is not to be shared between threads. */
export function createScorer(model: RouterModel, find: FindFeature): (reading: Reading) => Scored {
  const { features, intents, scoring } = model
  const count = intents.length
  const packed = packWeights(features)
  const sums = new Int32Array(FAMILIES * count)
  const lengths = new Int32Array(FAMILIES)
  const all = new Float64Array(count)
  const usual = createFeatureList()
  const usualFound = new Int32Array(usual.high.length)

  return (reading) => {
    // A huge question gets columns of its own, so that it does not slow down those after it.
    const list = takeFeatures(reading, usual)
    const found = list === usual ? usualFound : new Int32Array(list.count)
    sums.fill(0)
    lengths.fill(0)
    for (let i = 0; i < list.count; i++) {
      const feature = find(list.high[i] as number, list.low[i] as number)
      const family = list.family[i] as number
      found[i] = feature
      lengths[family] = (lengths[family] as number) + (feature < 0 ? 2 : 1)
      if (feature < 0) continue
      const offset = family * count
      const to = features.starts[feature + 1] as number
      for (let k = features.starts[feature] as number; k < to; k++) {
        const weight = packed[k] as number
        const at = offset + (weight & 0xffff)
        sums[at] = (sums[at] as number) + (weight >> 16)
      }
    }
    const values = familyValues(lengths)
    let best = -1
    let second = -1
    for (let intent = 0; intent < count; intent++) {
      const { scale, bias } = intents[intent] as (typeof intents)[number]
      let sum = 0
      for (let family = 0; family < FAMILIES; family++) {
        sum += (values[family] as number) * (sums[family * count + intent] as number)
      }
      const score = scoreOf(scoring, scale * sum + bias)
      all[intent] = score
      if (best < 0 || score > (all[best] as number)) {
        second = best
        best = intent
      } else if (second < 0 || score > (all[second] as number)) second = intent
    }
    const unknown = new Uint8Array(reading.units.length)
    for (let i = 0; i < list.count; i++) {
      if (list.family[i] === WORD && (found[i] as number) < 0) unknown[list.first[i] as number] = 1
    }
    const parts = best < 0 ? [] : partsOf(model, best, list, found, values, reading.units.length)
    const contributions = apportion(parts, best < 0 ? 0 : (all[best] as number))
    return { best, second, all, contributions, unknown }
  }
}

/** Weight and intent in one number: one read from memory instead of two in the innermost loop. */
function packWeights({ weights, intentOf }: FeatureTable): Int32Array {
  const packed = new Int32Array(weights.length)
  for (let k = 0; k < packed.length; k++) packed[k] = ((weights[k] as number) << 16) | (intentOf[k] as number)
  return packed
}

/** What each unit of a question gives to the score of any intent, in units. */
export function contributionsTo(model: RouterModel, find: FindFeature, intent: number, reading: Reading): number[] {
  const list = takeFeatures(reading, createFeatureList())
  const found = new Int32Array(list.count)
  const lengths = new Int32Array(FAMILIES)
  for (let i = 0; i < list.count; i++) {
    found[i] = find(list.high[i] as number, list.low[i] as number)
    const family = list.family[i] as number
    lengths[family] = (lengths[family] as number) + ((found[i] as number) < 0 ? 2 : 1)
  }
  return partsOf(model, intent, list, found, familyValues(lengths), reading.units.length)
}

/**
 * What each unit of the question gives to the score of an intent. Pairs give half to each of their words. What the
 * score has without any word (bias and offset) is given to the units by their share of the length of the text.
 */
function partsOf(
  { features, intents, scoring }: RouterModel,
  intent: number,
  list: FeatureList,
  found: Int32Array,
  values: readonly number[],
  units: number,
): number[] {
  const { scale, bias } = intents[intent] as (typeof intents)[number]
  const parts = Array.from({ length: units }, () => 0)
  let square = 0
  for (let i = 0; i < list.count; i++) square += (values[list.family[i] as number] as number) ** 2
  const base = (UNITS * (scoring.slope * bias + scoring.offset)) / square
  const factor = UNITS * scoring.slope * scale
  for (let i = 0; i < list.count; i++) {
    const value = values[list.family[i] as number] as number
    const weight = weightOf(features, found[i] as number, intent)
    const half = (value * value * base + value * weight * factor) / 2
    const first = list.first[i] as number
    const second = list.second[i] as number
    parts[first] = (parts[first] as number) + half
    parts[second] = (parts[second] as number) + half
  }
  return parts
}

function weightOf(features: FeatureTable, feature: number, intent: number): number {
  if (feature < 0) return 0
  const to = features.starts[feature + 1] as number
  for (let k = features.starts[feature] as number; k < to; k++) {
    const named = features.intentOf[k] as number
    if (named === intent) return features.weights[k] as number
    if (named > intent) return 0
  }
  return 0
}
