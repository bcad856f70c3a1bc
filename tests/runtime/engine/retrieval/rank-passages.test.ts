import { describe, expect, it } from 'vitest'
import { naturalLogarithm } from '../../../../runtime/engine/retrieval/logarithm.ts'
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
const options = { documents: ['cards.md', 'loans.md'], maxPassages: 3, minScore: 0.2 }

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

  it('of no documents finds nothing', () => {
    expect(passageRanker(new Map(), rules)('anything', options)).toEqual([])
  })
})

it.each([1e-6, 0.1, 0.75, 1, 1.5, 2, Math.E, 10, 12_345.678])('takes the logarithm of %d', (value) => {
  expect(naturalLogarithm(value)).toBeCloseTo(Math.log(value), 12)
})
