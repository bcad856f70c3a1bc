const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu

/** Languages written without spaces between words. */
const UNSPACED = new Set(['zh', 'ja', 'th', 'lo', 'km', 'my', 'yue', 'wuu'])

export type SplitWords = (plain: string) => string[]

/** Whether words of this language (BCP 47) are found by `Intl.Segmenter`, whose tables differ between Unicode versions. */
export function isUnspaced(language: string): boolean {
  return UNSPACED.has(language.split('-')[0]?.toLowerCase() ?? '')
}

/** Splits plain text into its words: runs of letters and digits, or what the segmenter of the language says. */
export function wordSplitter(language: string): SplitWords {
  if (!isUnspaced(language)) return (plain) => plain.match(WORD) ?? []
  const segmenter = new Intl.Segmenter(language, { granularity: 'word' })
  return (plain) => [...segmenter.segment(plain)].filter((part) => part.isWordLike === true).map((part) => part.segment)
}
