import type { Token } from './reading.ts'

export type SynonymMatch = { length: number; canonical: string; to: Token[] }
export type SynonymTable = { longestAt(tokens: readonly Token[], at: number): SynonymMatch | null }

type Entry = { stems: string[]; canonical: string; to: Token[] }

/**
 * Finds the longest variant that begins at a token, comparing stems. Where two terms claim one variant, the term
 * first in code unit order has it. What was rewritten is not looked up again.
 */
export function synonymTable(
  synonyms: readonly { canonical: string; variants: readonly string[] }[],
  tokensOf: (text: string) => Token[],
): SynonymTable {
  const byFirstStem = new Map<string, Entry[]>()
  const claimed = new Set<string>()
  for (const { canonical, variants } of synonyms) {
    const to = tokensOf(canonical)
    const own = keyOf(to)
    for (const variant of variants) {
      const stems = tokensOf(variant).map((token) => token.stem)
      const [first] = stems
      const key = stems.join(' ')
      if (first === undefined || key === own || claimed.has(key)) continue
      claimed.add(key)
      byFirstStem.set(first, [...(byFirstStem.get(first) ?? []), { stems, canonical, to }])
    }
  }
  for (const entries of byFirstStem.values()) entries.sort((a, b) => b.stems.length - a.stems.length)

  return {
    longestAt(tokens, at) {
      const entries = byFirstStem.get(tokens[at]?.stem ?? '') ?? []
      const found = entries.find(({ stems }) => stems.every((stem, i) => tokens[at + i]?.stem === stem))
      return found ? { length: found.stems.length, canonical: found.canonical, to: found.to } : null
    },
  }
}

const keyOf = (tokens: readonly Token[]) => tokens.map((token) => token.stem).join(' ')
