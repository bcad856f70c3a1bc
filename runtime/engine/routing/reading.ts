import { Fault } from '../../../schemas/fault.ts'
import type { Ontology } from '../../../schemas/registry/ontology.ts'
import { foldAccents, plainText } from './normalize.ts'
import type { CorrectSpelling } from './spelling.ts'
import { isStemmer, openStemmer, STEMMERS, type Stem, type StemmerName } from './stemmer.ts'
import { synonymTable } from './synonyms.ts'
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

export type Rewrite = { from: string; to: string }

/** `units` are words as the question had them, in lower case; a synonym of several words is one unit. */
export type Reading = { units: string[]; tokens: Token[]; synonyms: Rewrite[]; corrections: Map<number, Rewrite> }

export type Reader = {
  read: (text: string) => Reading
  /** Folded words of a text before synonyms and stop words. */
  forms: (text: string) => string[]
}

/** How a reader corrects words: never those whose stem some text of the bundle has. */
export type Corrector = { knowsStem: (stem: string) => boolean; correct: CorrectSpelling }

/** Longer words are taken as they are: some stemmers need time that grows with the square of the length. */
const LONGEST_STEMMED = 40
const CACHED_STEMS = 10_000
/** Code units of a word, as explanations show it. */
const LONGEST_SHOWN = 200

/** What reads every text of a router, at seal without a corrector and at query with one. */
export function createReader(rules: ReadingRules, corrector: Corrector | null = null): Reader {
  const split = wordSplitter(rules.language)
  const fold = rules.foldAccents ? foldAccents : (word: string) => word
  const stem = cachedStem(openStemmer(rules.stemmer))
  const forms = (text: string) => split(plainText(text)).map(fold)
  const stopWords = new Set(rules.stopWords.flatMap(forms))
  const tokenOf = (form: string): Token => ({ form, stem: stem(form), unit: 0 })
  const table = synonymTable(rules.synonyms, (text) => forms(text).map(tokenOf))
  const correct = (token: Token): string | null =>
    corrector === null || corrector.knowsStem(token.stem) ? null : corrector.correct(token.form)

  const read = (text: string): Reading => {
    const words = split(plainText(text))
    const tokens = words.map((word) => tokenOf(fold(word)))
    const corrected = tokens.map(correct)
    for (const [i, to] of corrected.entries()) if (to !== null && tokens[i]) tokens[i].stem = stem(to)
    const reading: Reading = { units: [], tokens: [], synonyms: [], corrections: new Map() }
    for (let at = 0; at < tokens.length;) {
      const unit = reading.units.length
      const match = table.longestAt(tokens, at)
      const length = match?.length ?? 1
      const surface = words
        .slice(at, at + length)
        .join(' ')
        .slice(0, LONGEST_SHOWN)
      const token = tokens[at] as Token
      const kept = match ? match.to : stopWords.has(token.form) ? [] : [token]
      if (match) reading.synonyms.push({ from: surface, to: match.canonical })
      const correction = corrected[at] ?? null
      if (correction !== null && kept.length > 0) reading.corrections.set(unit, { from: surface, to: correction })
      if (kept.length > 0) reading.units.push(surface)
      for (const each of kept) reading.tokens.push({ form: each.form, stem: each.stem, unit })
      at += length
    }
    return reading
  }
  return { read, forms }
}

/**
 * The rules of an ontology, in one canonical order.
 * @throws Fault `ONTOLOGY_INVALID` for a stemmer that does not exist.
 */
export function readingRules({ language, normalization, synonyms = [] }: Ontology): ReadingRules {
  const { stemmer } = normalization
  if (!isStemmer(stemmer)) {
    throw new Fault('ONTOLOGY_INVALID', `normalization.stemmer: expected ${STEMMERS.join(', ')}, found "${stemmer}"`)
  }
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
