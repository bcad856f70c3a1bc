/** Words that texts of the bundle have, in code unit order, each with the number of texts that have it. */
export type Vocabulary = { word: string; texts: number }[]

/** The word of the vocabulary that a word was meant to be, or null where none is near. */
export type CorrectSpelling = (word: string) => string | null

/** Shorter words are one letter away from too many others. */
const SHORTEST_CORRECTED = 4
const SHORTEST_TARGET = 3
const CACHED = 10_000
const HAS_DIGIT = /\p{N}/u
/** Scripts in which one character is a syllable or a word. */
const SYLLABIC = /[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff]/

type Candidate = { word: string; texts: number; letters: number }

/**
 * Corrects one wrong, missing, additional or swapped letter. Of several near words it takes the most used, then the
 * first in code unit order.
 */
export function createSpelling(vocabulary: Vocabulary): CorrectSpelling {
  const known = new Set(vocabulary.map(({ word }) => word))
  const byLength = new Map<number, Candidate[]>()
  for (const { word, texts } of vocabulary) {
    if (word.length < SHORTEST_TARGET || isUncorrected(word)) continue
    const candidates = byLength.get(word.length)
    const candidate = { word, texts, letters: lettersOf(word) }
    if (candidates) candidates.push(candidate)
    else byLength.set(word.length, [candidate])
  }
  const cache = new Map<string, string | null>()
  return (word) => {
    if (word.length < SHORTEST_CORRECTED || known.has(word)) return null
    const cached = cache.get(word)
    if (cached !== undefined) return cached
    if (cache.size >= CACHED) cache.clear()
    const corrected = isUncorrected(word) ? null : nearest(word, byLength)
    cache.set(word, corrected)
    return corrected
  }
}

const isUncorrected = (word: string) => HAS_DIGIT.test(word) || SYLLABIC.test(word)

function nearest(word: string, byLength: ReadonlyMap<number, readonly Candidate[]>): string | null {
  const letters = lettersOf(word)
  let best: Candidate | null = null
  for (let length = word.length - 1; length <= word.length + 1; length++) {
    for (const candidate of byLength.get(length) ?? []) {
      if (best !== null && candidate.texts < best.texts) continue
      if (best !== null && candidate.texts === best.texts && candidate.word > best.word) continue
      if (moreThanTwoBits(letters ^ candidate.letters)) continue
      if (isOneEditAway(word, candidate.word)) best = candidate
    }
  }
  return best === null ? null : best.word
}

/** One bit for each letter modulo 32: words one edit apart differ in two bits at most. */
function lettersOf(word: string): number {
  let letters = 0
  for (let i = 0; i < word.length; i++) letters |= 1 << (word.charCodeAt(i) & 31)
  return letters
}

function moreThanTwoBits(bits: number): boolean {
  const lessOne = bits & (bits - 1)
  return (lessOne & (lessOne - 1)) !== 0
}

/** Whether one insertion, deletion, substitution or swap of neighbours makes `a` into `b`. */
export function isOneEditAway(a: string, b: string): boolean {
  let start = 0
  while (start < a.length && start < b.length && a.charCodeAt(start) === b.charCodeAt(start)) start += 1
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a.charCodeAt(endA - 1) === b.charCodeAt(endB - 1)) {
    endA -= 1
    endB -= 1
  }
  const left = endA - start
  const right = endB - start
  if (left <= 1 && right <= 1) return left + right > 0
  return left === 2 && right === 2 && a[start] === b[start + 1] && a[start + 1] === b[start]
}
