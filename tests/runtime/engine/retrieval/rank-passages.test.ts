import { describe, expect, it } from 'vitest'
import { passageRanker } from '../../../../runtime/engine/retrieval/rank-passages.ts'
import type { ReadingRules } from '../../../../runtime/engine/routing/reading.ts'

const rules: ReadingRules = {
  language: 'en',
  foldAccents: true,
  stemmer: 'english',
  stopWords: ['the', 'is', 'a', 'what', 'do', 'i', 'for', 'to'],
  synonyms: [{ canonical: 'fee', variants: ['charge', 'price'] }],
}

const documents = new Map([
  ['cards.md', '# Fees\nA replacement card costs five pounds.\n\n# Delivery\nCards arrive within five working days.'],
  ['loans.md', '# Early repayment\nYou can repay a loan early. The fee is one percent.\n\n# Interest\nFixed.'],
])

const rank = passageRanker(documents, rules)
const options = { documents: ['cards.md', 'loans.md'], maxPassages: 3, minScore: 0.1 }

describe('ranking', () => {
  it('finds the passage that has the words of the question, and cites document and heading', () => {
    expect(rank('When do cards arrive?', options)[0]).toMatchObject({
      document: 'cards.md',
      heading: 'Delivery',
      matched: ['cards', 'arrive'],
    })
  })

  it('reads synonyms and inflections as the router does', () => {
    expect(rank('What charges for repaying a loan early?', options)[0]).toMatchObject({ heading: 'Early repayment' })
  })

  it('cites only documents that may be cited', () => {
    expect(rank('When do cards arrive?', { ...options, documents: ['loans.md'] })).toEqual([])
  })

  it('finds nothing below the lowest score, and nothing without a known word', () => {
    expect(rank('When do cards arrive?', { ...options, minScore: 1 })).toEqual([])
    expect(rank('flibbertigibbet', { ...options, minScore: 0 })).toEqual([])
    expect(rank('', { ...options, minScore: 0 })).toEqual([])
  })

  it('gives scores from 0 to 1, best first, at most as many as asked for', () => {
    const found = rank('fee', { ...options, maxPassages: 1, minScore: 0 })
    expect(found).toHaveLength(1)
    expect(found[0]?.score).toBeGreaterThan(0)
    expect(found[0]?.score).toBeLessThan(1)
  })

  it('is the same whatever the order of the documents', () => {
    const turned = passageRanker(new Map([...documents].toReversed()), rules)
    expect(turned('five fee card loan', options)).toEqual(rank('five fee card loan', options))
  })

  it('breaks ties by document, then by heading', () => {
    const alike = new Map([
      ['b.md', '# Two\nOpening hours.\n# One\nOpening hours.'],
      ['a.md', '# Three\nOpening hours.'],
    ])
    const found = passageRanker(alike, rules)('opening hours', {
      documents: ['b.md', 'a.md'],
      maxPassages: 9,
      minScore: 0,
    })
    expect(found.map(({ document, heading }) => `${document} ${heading}`)).toEqual([
      'a.md Three',
      'b.md One',
      'b.md Two',
    ])
  })

  it('gives the share of the largest score that the question could have, in exact steps', () => {
    const [best] = rank('When do cards arrive?', options)
    expect(Number.isInteger((best?.score ?? 0) * 65_536)).toBe(true)
    const [longer] = rank('When do cards arrive, tell me flibbertigibbet?', { ...options, minScore: 0 })
    expect(longer?.score).toBeLessThan(best?.score ?? 0)
  })

  it('takes names that every object inherits as the words that they are', () => {
    const odd = passageRanker(new Map([['odd.md', 'A constructor and a prototype.']]), { ...rules, stemmer: 'none' })
    const anywhere = { documents: ['odd.md'], maxPassages: 1, minScore: 0 }
    expect(odd('constructor', anywhere)).toHaveLength(1)
    expect(odd('toString hasOwnProperty', anywhere)).toEqual([])
  })

  it('of no documents finds nothing', () => {
    expect(passageRanker(new Map(), rules)('anything', options)).toEqual([])
  })
})
