/** A text as it looks, and where each of its characters stands in the original; offsets are in UTF-16 code units. */
export type View = { text: string; startOf(index: number): number; endOf(index: number): number }

/** Characters without a look of their own: format characters, marks, and letters that are drawn as nothing. */
const INVISIBLE = /^[\p{Cf}\p{Mn}\p{Me}\u115f\u1160\u3164\uffa0\u2800]$/u
const ASCII = /^[\0-\x7f]*$/

/**
 * The text after compatibility decomposition (NFKD), without format characters and marks, so that full-width digits,
 * soft hyphens or zero-width spaces hide nothing from a pattern. Null where it is the text itself.
 */
export function matchView(text: string): View | null {
  if (ASCII.test(text)) return null
  const starts: number[] = []
  const ends: number[] = []
  let seen = ''
  let offset = 0
  for (const char of text) {
    const next = offset + char.length
    for (const part of char.normalize('NFKD')) {
      if (INVISIBLE.test(part)) continue
      seen += part
      for (let unit = 0; unit < part.length; unit += 1) {
        starts.push(offset)
        ends.push(next)
      }
    }
    offset = next
  }
  return { text: seen, startOf: (index) => starts[index]!, endOf: (index) => ends[index - 1]! }
}
