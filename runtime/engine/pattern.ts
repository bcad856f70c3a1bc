import { RE2JS } from 're2js'

/** Size of a compiled pattern, in instructions: what one character of text may cost in the worst case. */
export const MAX_PATTERN_SIZE = 1_000
const MAX_PATTERN_CHARS = 1_000

export type Pattern = { re: RE2JS; size: number }

/**
 * A regular expression in RE2 syntax, which matches in linear time: no look-around, no back-references.
 * @returns what is wrong with it, in words, where it cannot be taken.
 */
export function compilePattern(source: string): Pattern | string {
  if (source.length > MAX_PATTERN_CHARS) return `is longer than ${MAX_PATTERN_CHARS} characters`
  try {
    const re = RE2JS.compile(source)
    const size = re.programSize()
    return size > MAX_PATTERN_SIZE
      ? `compiles to ${size} instructions, at most ${MAX_PATTERN_SIZE} are allowed`
      : { re, size }
  } catch {
    return 'is not a regular expression in RE2 syntax (look-around and back-references are not part of it)'
  }
}
