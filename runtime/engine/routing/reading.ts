import type { Ontology } from '../../../schemas/registry/ontology.ts'
import { foldAccents, plainText } from './normalize.ts'
import { openStemmer, type Stem, type StemmerName } from './stemmer.ts'
import { synonymTable, type SynonymTable } from './synonyms.ts'
import { wordSplitter } from './words.ts'

/** What the text becomes before features are taken; sealed into the router, so that seal and query read alike. */
export type ReadingRules = {
  language: string
  foldAccents: boolean
  stemmer: StemmerName
  stopWords: string[]
  synonyms: { canonical: string; variants: string[] }[]
}

/** `form` is the folded word, `stem` its stem; `unit` is the index of the words of the question that it came from. */
export type Token = { form: string; stem: string; unit: number }

/** `units` are words as the question had them, in lower case; a synonym of several words is one unit. */
export type Reading = { units: string[]; tokens: Token[]; synonyms: { from: string; to: string }[] }
export type Reader = (text: string) => Reading

/** Longer words are taken as they are: some stemmers need time that grows with the square of the length. */
const LONGEST_STEMMED = 40
const CACHED_STEMS = 10_000

/** The function that reads every text of a router, at seal and at query. */
export function createReader(rules: ReadingRules): Reader {
  const split = wordSplitter(rules.language)
  const fold = rules.foldAccents ? foldAccents : (word: string) => word
  const stem = cachedStem(openStemmer(rules.stemmer))
  const stopWords = new Set(rules.stopWords.flatMap((text) => split(plainText(text)).map(fold)))
  const tokenOf = (word: string, unit: number): Token => {
    const form = fold(word)
    return { form, stem: stem(form), unit }
  }
  const tokensOf = (text: string) => split(plainText(text)).map((word) => tokenOf(word, 0))
  const table = synonymTable(rules.synonyms, tokensOf)

  return (text) => {
    const words = split(plainText(text))
    return keepWords(words, words.map(tokenOf), table, stopWords)
  }
}

/** The rules of an ontology, in one canonical order. */
export function readingRules({ language, normalization, synonyms = [] }: Ontology, stemmer: StemmerName): ReadingRules {
  const byCanonical = new Map<string, Set<string>>()
  for (const { canonical, variants } of synonyms) {
    const known = byCanonical.get(canonical) ?? new Set()
    byCanonical.set(canonical, new Set([...known, ...variants]))
  }
  return {
    language,
    foldAccents: normalization.fold_accents,
    stemmer,
    stopWords: [...new Set(normalization.stop_words)].sort(),
    synonyms: [...byCanonical.keys()]
      .sort()
      .map((canonical) => ({ canonical, variants: [...(byCanonical.get(canonical) ?? [])].sort() })),
  }
}

function keepWords(words: string[], tokens: Token[], table: SynonymTable, stopWords: ReadonlySet<string>): Reading {
  const reading: Reading = { units: [], tokens: [], synonyms: [] }
  for (let at = 0; at < tokens.length;) {
    const unit = reading.units.length
    const match = table.longestAt(tokens, at)
    const length = match?.length ?? 1
    const surface = words.slice(at, at + length).join(' ')
    const kept = match ? match.to : tokens.slice(at, at + 1).filter((token) => !stopWords.has(token.form))
    if (match) reading.synonyms.push({ from: surface, to: match.canonical })
    if (kept.length > 0) {
      reading.units.push(surface)
      for (const token of kept) reading.tokens.push({ ...token, unit })
    }
    at += length
  }
  return reading
}

/** Stems cost about a microsecond each; questions repeat their words. */
function cachedStem(stem: Stem): Stem {
  const cache = new Map<string, string>()
  return (word) => {
    if (word.length > LONGEST_STEMMED) return word
    const known = cache.get(word)
    if (known !== undefined) return known
    if (cache.size >= CACHED_STEMS) cache.clear()
    const found = stem(word)
    cache.set(word, found)
    return found
  }
}
