import { describe, expect, it } from 'vitest'
import { compileRouter } from '../../../../runtime/engine/routing/compile.ts'
import { loadRouter } from '../../../../runtime/engine/routing/router.ts'
import { suggestThresholds } from '../../../../runtime/engine/routing/suggest-thresholds.ts'
import { bank } from './ontologies.ts'

const router = loadRouter(compileRouter(bank()))
const inScope = [
  { question: 'how long until the card is delivered', intent: 'card_arrival' },
  { question: 'a thief has my card', intent: 'card_lost' },
  { question: 'open on sunday?', intent: 'opening_hours' },
  { question: 'exchange rate for yen', intent: 'exchange_rate' },
]
const outOfScope = [
  { question: 'how tall is the eiffel tower', intent: null },
  { question: 'who is open to a card game', intent: null },
  { question: 'sing a song', intent: null },
]

describe('suggesting thresholds', () => {
  const { table, proposed, svg } = suggestThresholds(router, [...inScope, ...outOfScope])

  it('shows what every threshold keeps and catches, from all and nothing to the opposite', () => {
    expect(table[0]).toMatchObject({ threshold: 0, kept: 1, caught: 0 })
    for (const [i, row] of table.slice(1).entries()) {
      expect(row.kept).toBeLessThanOrEqual(table[i]?.kept ?? 1)
      expect(row.caught).toBeGreaterThanOrEqual(table[i]?.caught ?? 0)
    }
  })

  it('proposes what catches most for hardly any right answer', () => {
    expect(proposed).toMatchObject({ kept: 1 })
    expect(proposed?.caught).toBeGreaterThan(0.5)
  })

  it('draws the curve with the proposal', () => {
    expect(svg).toMatch(/^<svg [^]*polyline[^]*threshold 0\.\d+[^]*<\/svg>\n$/)
  })

  it('proposes nothing without a case that is out of scope', () => {
    expect(suggestThresholds(router, inScope).proposed).toBeNull()
  })

  it('takes no cases at all', () => {
    expect(suggestThresholds(router, []).table).toHaveLength(1)
  })
})
