import { describe, expect, it } from 'vitest'
import { foldAccents, plainText } from '../../../../runtime/engine/routing/normalize.ts'
import { STEMMERS, openStemmer } from '../../../../runtime/engine/routing/stemmer.ts'
import { isUnspaced, wordSplitter } from '../../../../runtime/engine/routing/words.ts'

describe('plain text', () => {
  it.each([
    ['ＦＵＬＬ width', 'full width'],
    ['ﬁne', 'fine'],
    ['ÇÃO', 'ção'],
    ['Ⅻ', 'xii'],
    ['ASCII', 'ascii'],
  ])('of "%s" is "%s"', (text, plain) => {
    expect(plainText(text)).toBe(plain)
  })
})

describe('folding', () => {
  it.each([
    ['informação', 'informacao'],
    ['straße', 'strasse'],
    ['øre', 'ore'],
    ['łódź', 'lodz'],
    [plainText('İstanbul'), 'istanbul'],
    ['हिन्दी', 'हिन्दी'],
    ['ほげ', 'ほげ'],
  ])('takes the accents of "%s"', (word, folded) => {
    expect(foldAccents(word)).toBe(folded)
  })
})

describe('words', () => {
  it.each([
    ['en', "what's my card's limit, 2x?", ['what', 's', 'my', 'card', 's', 'limit', '2x']],
    ['hi', 'मेरा कार्ड कहाँ है', ['मेरा', 'कार्ड', 'कहाँ', 'है']],
    ['ko', '내 카드는 어디에 있나요?', ['내', '카드는', '어디에', '있나요']],
    ['ja', 'カードはどこですか', ['カード', 'は', 'どこ', 'です', 'か']],
    ['en', '  …  ', []],
  ])('of a text in %s are its letters and digits: "%s"', (language, text, words) => {
    expect(wordSplitter(language)(text)).toEqual(words)
  })

  it.each([
    ['zh-Hant-TW', true],
    ['JA', true],
    ['th', true],
    ['ko', false],
    ['en-GB', false],
  ])('of %s need the segmenter: %j', (language, unspaced) => {
    expect(isUnspaced(language)).toBe(unspaced)
  })
})

it.each(STEMMERS)('the stemmer "%s" stems the same word the same way, and takes anything', (name) => {
  const stem = openStemmer(name)
  for (const word of ['informacoes', 'running', 'x', '', 'ñandú', '12', '日本', 'ä', "o'neil"]) {
    expect(stem(word)).toBe(stem(word))
  }
})
