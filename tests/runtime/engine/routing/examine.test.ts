import { describe, expect, it } from 'vitest'
import { trainRouter } from '../../../../runtime/engine/routing/compile.ts'
import { examineOntology } from '../../../../runtime/engine/routing/examine.ts'
import { problemOf } from '../../../../runtime/engine/routing/train.ts'
import { leaveOneOut } from '../../../../runtime/engine/routing/leave-one-out.ts'
import { trainSvm } from '../../../../runtime/engine/routing/svm.ts'
import type { Ontology } from '../../../../schemas/registry/ontology.ts'
import { bank } from './ontologies.ts'

/** The bank with more utterances for some of its intents. */
function bankWith(more: Record<string, string[]>, thresholds: Record<string, number> = {}): Ontology {
  return bank({
    intents: bank().intents.map((intent) => ({
      ...intent,
      utterances: [...intent.utterances, ...(more[intent.name] ?? [])],
      ...(thresholds[intent.name] !== undefined && { threshold: thresholds[intent.name] as number }),
    })),
  })
}

describe('examining an ontology', () => {
  it('finds the same utterance, and nearly the same, under two intents', () => {
    const { duplicates } = examineOntology(
      bankWith({
        card_arrival: ['Where is my wallet now?', 'Can somebody tell me about the card in the post please'],
        card_lost: ['where is my wallet, now', 'Can somebody tell me about the cards in the post please?'],
      }),
    )
    expect(duplicates.map(({ intents }) => intents)).toEqual([
      ['card_arrival', 'card_lost'],
      ['card_arrival', 'card_lost'],
    ])
    expect(duplicates[0]?.likeness).toBe(1)
    expect(duplicates[1]?.likeness).toBeLessThan(1)
  })

  it('finds utterances that go elsewhere when left out, and the words that draw them', () => {
    const { misrouted, confusions, accuracy } = examineOntology(
      bankWith({ opening_hours: ['my card was stolen and I lost my wallet'] }),
    )
    expect(misrouted).toContainEqual({
      text: 'my card was stolen and I lost my wallet',
      intent: 'opening_hours',
      routed: 'card_lost',
    })
    const confusion = confusions.find(({ intent, routed }) => intent === 'opening_hours' && routed === 'card_lost')
    expect(confusion?.words).toEqual(expect.arrayContaining(['card', 'lost']))
    expect(accuracy).toBeLessThan(1)
  })

  it('finds intents that nobody can reach, and intents with few utterances', () => {
    const { unreachable, scarce } = examineOntology({
      ...bankWith({}, { exchange_rate: 1 }),
      intents: bankWith({}, { exchange_rate: 1 }).intents.map((intent) =>
        intent.name === 'card_lost' ? { ...intent, utterances: intent.utterances.slice(0, 3) } : intent,
      ),
    })
    expect(unreachable).toEqual(['exchange_rate'])
    expect(scarce).toEqual([{ intent: 'card_lost', utterances: 3 }])
  })

  it('is the same whatever the order of the author', () => {
    const ontology = bankWith({ card_lost: ['Are you open today, I lost my card'] })
    const turned = { ...ontology, intents: ontology.intents.toReversed() }
    expect(examineOntology(turned)).toEqual(examineOntology(ontology))
  })
})

describe('leaving one out', () => {
  it('gives nearly the margins of training again without it', () => {
    const { examples, rows, duals } = trainRouter(bank())
    const state = { weights: new Float64Array(rows.width), alphas: new Float64Array(rows.count) }
    for (let row = 0; row < rows.count; row += 3) {
      const target = examples[row]?.target ?? null
      if (target === null) continue
      const problem = problemOf(examples, target)
      problem.sides[row] = 0
      trainSvm(rows, problem, state)
      let margin = 0
      for (let k = rows.starts[row] ?? 0; k < (rows.starts[row + 1] ?? 0); k++) {
        margin += (state.weights[rows.ids[k] ?? 0] ?? 0) * (rows.values[k] ?? 0)
      }
      expect(Math.abs((leaveOneOut(rows, examples, duals, [row])[0]?.own ?? 9) - margin)).toBeLessThan(0.15)
    }
  })
})
