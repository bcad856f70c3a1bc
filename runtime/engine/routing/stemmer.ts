import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

/** What stems words, with its version: another version may stem in another way, so it is part of what is compiled. */
export const STEMMER_LIBRARY = '@orama/stemmers 3.1.18'

/** Stemmers of `@orama/stemmers`, by the names that `normalization.stemmer` takes; `none` leaves words as they are. */
export const STEMMERS = [
  'none',
  'arabic',
  'armenian',
  'bulgarian',
  'danish',
  'dutch',
  'english',
  'finnish',
  'french',
  'german',
  'greek',
  'hungarian',
  'indian',
  'indonesian',
  'irish',
  'italian',
  'lithuanian',
  'nepali',
  'norwegian',
  'portuguese',
  'romanian',
  'russian',
  'sanskrit',
  'serbian',
  'spanish',
  'swedish',
  'tamil',
  'turkish',
  'ukrainian',
] as const

export type StemmerName = (typeof STEMMERS)[number]
export type Stem = (word: string) => string

export function isStemmer(name: string): name is StemmerName {
  return (STEMMERS as readonly string[]).includes(name)
}

/** Loaded one at a time: all of them together take 50 ms. */
export function openStemmer(name: StemmerName): Stem {
  if (name === 'none') return (word) => word
  const { stemmer } = load(`@orama/stemmers/${name}`) as { stemmer: Stem }
  return stemmer
}
