const COMBINING = /[\u0300-\u036f]/g
const UNDECOMPOSED = /[ßæœøłđðþı]/g
const FOLDED: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
}
const BEYOND_ASCII = /[^\0-\x7f]/

/** Compatibility characters made plain (NFKC) and lower case; accents stay. */
export function plainText(text: string): string {
  return BEYOND_ASCII.test(text) ? text.normalize('NFKC').toLowerCase().normalize('NFC') : text.toLowerCase()
}

/** A plain word without its accents, so that "informação" and "informacao" are one word. */
export function foldAccents(word: string): string {
  if (!BEYOND_ASCII.test(word)) return word
  const bare = word.normalize('NFD').replace(COMBINING, '').normalize('NFC')
  return bare.replace(UNDECOMPOSED, (letter) => FOLDED[letter] ?? letter)
}
