import { createReader, type ReadingRules } from '../routing/reading.ts'
import { naturalLogarithm } from './logarithm.ts'
import { splitDocument, type Passage } from './split-document.ts'

/** `score` is from 0 (no word of the question) to 1 (all of them, as strongly as a passage can have them). */
export type RankedPassage = Passage & { score: number; matched: string[] }

export type RankOptions = {
  /** File names that may be cited. */
  documents: readonly string[]
  maxPassages: number
  minScore: number
}

export type RankPassages = (question: string, options: RankOptions) => RankedPassage[]

/** Usual constants of BM25: how soon a repeated word stops to count, and how much long passages are held back. */
const K1 = 1.2
const B = 0.75
/** A word of the heading counts as often as this. */
const HEADING_WEIGHT = 3

type Indexed = { passage: Passage; counts: ReadonlyMap<string, number>; length: number }

/**
 * Ranks passages of documents for a question by BM25 (Robertson and Zaragoza 2009), over the same words as the router:
 * folded, stemmed, synonyms rewritten. The score is the share of the largest that the question could have, so that a
 * threshold means the same for short and long questions. Ties go by document, then by place in it.
 */
export function passageRanker(documents: ReadonlyMap<string, string>, rules: ReadingRules): RankPassages {
  const { read } = createReader(rules)
  const stemsOf = (text: string) => read(text).tokens.map(({ stem }) => stem)
  const indexed = [...documents.keys()]
    .sort()
    .flatMap((name) => splitDocument(name, documents.get(name) ?? ''))
    .map((passage): Indexed => {
      const counts = new Map<string, number>()
      const count = (stem: string, weight: number) => counts.set(stem, (counts.get(stem) ?? 0) + weight)
      for (const stem of stemsOf(passage.heading)) count(stem, HEADING_WEIGHT)
      for (const stem of stemsOf(passage.text)) count(stem, 1)
      return { passage, counts, length: [...counts.values()].reduce((sum, times) => sum + times, 0) }
    })
  const holders = new Map<string, number>()
  for (const { counts } of indexed) for (const stem of counts.keys()) holders.set(stem, (holders.get(stem) ?? 0) + 1)
  const meanLength = indexed.reduce((sum, { length }) => sum + length, 0) / Math.max(1, indexed.length)
  const rarity = (stem: string) => {
    const held = holders.get(stem) ?? 0
    return naturalLogarithm(1 + (indexed.length - held + 0.5) / (held + 0.5))
  }

  return (question, { documents: allowed, maxPassages, minScore }) => {
    const reading = read(question)
    const surfaces = new Map(reading.tokens.map(({ stem, unit }) => [stem, reading.units[unit] ?? '']))
    const asked = [...surfaces.keys()].map((stem) => ({ stem, rarity: rarity(stem) }))
    const most = asked.reduce((sum, each) => sum + each.rarity * (K1 + 1), 0)
    return indexed
      .filter(({ passage }) => allowed.includes(passage.document))
      .map(({ passage, counts, length }) => {
        let sum = 0
        const matched: string[] = []
        for (const word of asked) {
          const times = counts.get(word.stem) ?? 0
          if (times === 0) continue
          sum += (word.rarity * times * (K1 + 1)) / (times + K1 * (1 - B + (B * length) / meanLength))
          matched.push(surfaces.get(word.stem) ?? '')
        }
        return { ...passage, score: most === 0 ? 0 : sum / most, matched }
      })
      .filter(({ score }) => score > 0 && score >= minScore)
      .sort((a, b) => b.score - a.score)
      .slice(0, maxPassages)
  }
}
