/**
 * Text of strangers as an entry can hold it: what cannot be seen is replaced, line ends are blanks, and what is longer
 * than `max` code points is cut.
 */
export function tellable(text: string, max: number): string {
  const plain = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => (character === '\n' ? ' ' : '\ufffd'))
  if (plain.length <= max) return plain
  return `${Array.from(plain)
    .slice(0, max - 1)
    .join('')}…`
}
