import MiniSearch from 'minisearch'
import { createReader, type ReadingRules } from '../routing/reading.ts'
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
const BM25 = { k: 1.2, b: 0.75, d: 0 }
/** A word of the heading counts as often as this. */
const HEADING_WEIGHT = 3
/** Scores are whole multiples of 1 by this: the last bits of a logarithm may differ between engines. */
const UNITS = 65_536

/**
 * Ranks passages of documents for a question by BM25 (Robertson and Zaragoza 2009), through MiniSearch, over the same
 * words as the router: folded, stemmed, synonyms rewritten. The score is the share of the largest that the question
 * could have, so that a threshold means the same for short and long questions. Ties go by document, then heading, then
 * place in the document.
 */
export function passageRanker(documents: ReadonlyMap<string, string>, rules: ReadingRules): RankPassages {
  const { read } = createReader(rules)
  const stemsOf = (text: string) => read(text).tokens.map(({ stem }) => stem)
  const passages = [...documents].flatMap(([name, markdown]) => splitDocument(name, markdown)).sort(inOrder)
  const holders = new Map<string, number>()
  // Stems hold letters and digits alone.
  const index = new MiniSearch({
    fields: ['stems'],
    tokenize: (stems) => stems.split(' '),
    processTerm: (stem) => stem,
  })
  for (const [id, { heading, text }] of passages.entries()) {
    const title = stemsOf(heading)
    const stems = [...Array.from({ length: HEADING_WEIGHT }, () => title).flat(), ...stemsOf(text)]
    index.add({ id, stems: stems.join(' ') })
    for (const stem of new Set(stems)) holders.set(stem, (holders.get(stem) ?? 0) + 1)
  }
  /** What a word gives, at most. */
  const most = (stem: string) => {
    const held = holders.get(stem) ?? 0
    return (BM25.k + 1) * Math.log(1 + (passages.length - held + 0.5) / (held + 0.5))
  }

  return (question, { documents: allowed, maxPassages, minScore }) => {
    const reading = read(question)
    const surfaces = new Map(reading.tokens.map(({ stem, unit }) => [stem, reading.units[unit] ?? '']))
    const asked = [...surfaces.keys()]
    const possible = asked.reduce((sum, stem) => sum + most(stem), 0)
    const found = index.search(question, {
      tokenize: () => asked,
      bm25: BM25,
      filter: ({ id }) => allowed.includes(passages[id as number]?.document ?? ''),
    })
    return found
      .map(({ id, score, queryTerms, terms }) => {
        const known = new Set(terms)
        // MiniSearch multiplies by the number of words found.
        const share = Math.round((score / queryTerms.length / possible) * UNITS) / UNITS
        const matched = new Set(asked.filter((stem) => known.has(stem)).map((stem) => surfaces.get(stem) ?? ''))
        return { id: id as number, ...(passages[id as number] as Passage), score: share, matched: [...matched] }
      })
      .filter(({ score }) => score > 0 && score >= minScore)
      .sort((a, b) => b.score - a.score || a.id - b.id)
      .slice(0, maxPassages)
      .map(({ id: _id, ...passage }) => passage)
  }
}

/** By code unit, so that every machine sorts alike; passages under one heading stay as written. */
function inOrder(a: Passage, b: Passage): number {
  if (a.document !== b.document) return a.document < b.document ? -1 : 1
  if (a.heading !== b.heading) return a.heading < b.heading ? -1 : 1
  return 0
}
