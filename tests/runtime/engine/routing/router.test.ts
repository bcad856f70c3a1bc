import { describe, expect, it } from 'vitest'
import { compileRouter } from '../../../../runtime/engine/routing/compile.ts'
import { loadRouter } from '../../../../runtime/engine/routing/router.ts'
import type { Ontology } from '../../../../schemas/registry/ontology.ts'
import { bank, helpDesk } from './ontologies.ts'

const routerOf = (ontology: Ontology) => loadRouter(compileRouter(ontology))

/** The bank with changes to one of its intents. */
function bankWith(name: string, changes: Partial<Ontology['intents'][number]>): Ontology {
  const ontology = bank()
  return { ...ontology, intents: ontology.intents.map((own) => (own.name === name ? { ...own, ...changes } : own)) }
}

describe('a router', () => {
  const router = routerOf(bank())

  it.each([
    ['how long until the card is delivered', 'card_arrival'],
    ['somebody stole my card', 'card_lost'],
    ['are you open on sunday', 'opening_hours'],
    ['exchange rate for yen', 'exchange_rate'],
  ])('answers "%s" with %s', (question, intent) => {
    expect(router.route(question)).toMatchObject({ outcome: 'answered', intent, ambiguous: [] })
  })

  it.each(['how tall is the eiffel tower', 'xyzzy', '', '   ', '?!', '\u0000', '🎉'])(
    'falls back for %j',
    (question) => {
      expect(router.route(question)).toMatchObject({ outcome: 'fallback', intent: 'fallback', threshold: 0.4 })
    },
  )

  it('gives a question without a word the score 0', () => {
    expect(router.explain('...')).toMatchObject({ score: 0, matched: [], detail: { contributions: [] } })
  })

  it('names the words that decided, as the question had them', () => {
    const { matched } = router.route('Please tell me: when will my CARD be delivered?')
    expect(matched).toEqual(expect.arrayContaining(['card', 'delivered']))
  })

  it('takes a question of 100,000 words, and the next one is as before', () => {
    const before = router.explain('when will my card arrive')
    expect(router.explain('card '.repeat(50_000) + 'why '.repeat(50_000)).score).toBeLessThan(1)
    expect(router.explain(Array.from({ length: 20_000 }, (_, i) => `x${i}`).join(' ')).outcome).toBe('fallback')
    expect(router.explain('when will my card arrive')).toEqual(before)
  })

  it('never routes to the fallback, whose utterances are out of scope', () => {
    const withUtterances = routerOf(bankWith('fallback', { utterances: ['how tall is the eiffel tower'] }))
    expect(withUtterances.intents).not.toContain('fallback')
    expect(withUtterances.route('how tall is the eiffel tower').outcome).toBe('fallback')
  })

  it('reaches an intent without utterances by name only', () => {
    expect(routerOf(bankWith('exchange_rate', { utterances: [] })).intents).not.toContain('exchange_rate')
  })

  it('routes nothing where there is nothing to route to', () => {
    const empty = routerOf({ ...bank(), intents: bank().intents.slice(-1) })
    expect(empty.explain('when are you open')).toMatchObject({
      outcome: 'fallback',
      score: 0,
      detail: { nearest: null },
    })
  })

  it('answers the only intent there is, and has no runner-up', () => {
    const single = routerOf({ ...bank(), intents: bank().intents.slice(0, 1), fallback: 'none' })
    expect(single.explain('When will my card arrive?')).toMatchObject({
      outcome: 'answered',
      detail: { runner_up: null },
    })
  })
})

describe('thresholds', () => {
  it('are those of the intent before those of the ontology', () => {
    const strict = routerOf(bankWith('card_lost', { threshold: 1 }))
    expect(strict.route('a strange thing about my lost card')).toMatchObject({ outcome: 'fallback', threshold: 1 })
  })

  it('leave an ambiguous question to the fallback, which names every near intent', () => {
    const ontology = bank()
    const wary = routerOf({ ...ontology, routing: { ...ontology.routing, threshold: 0.1, min_margin: 0.9 } })
    const route = wary.explain('my card')
    expect(route).toMatchObject({ outcome: 'fallback', intent: 'fallback' })
    expect(route.ambiguous).toEqual(expect.arrayContaining(['card_arrival', 'card_lost']))
    expect(route.detail.ambiguous).toEqual(route.ambiguous)
    expect(route.ambiguous[0]).toBe(route.detail.best)
  })
})

describe('what the author writes beside utterances', () => {
  it('rewrites synonyms, the longest first, and says so', () => {
    const router = routerOf(
      bank({
        synonyms: [
          { canonical: 'card', variants: ['plastic', 'piece of plastic', 'Visa'] },
          { canonical: 'branch', variants: ['agency'] },
        ],
      }),
    )
    const route = router.explain('I lost my piece of plastics')
    expect(route).toMatchObject({ outcome: 'answered', intent: 'card_lost' })
    expect(route.detail.synonyms).toEqual([{ from: 'piece of plastics', to: 'card' }])
    expect(route.detail.contributions.map(({ word }) => word)).toContain('piece of plastics')
  })

  it('leaves stop words out', () => {
    const router = routerOf(bank({ normalization: { fold_accents: true, stemmer: 'english', stop_words: ['Please'] } }))
    const polite = router.explain('please when will my card arrive')
    expect(polite.detail.contributions.map(({ word }) => word)).not.toContain('please')
    expect(polite.score).toBe(router.explain('when will my card arrive').score)
  })

  it('learns from negatives, and from what is out of scope', () => {
    const question = 'please block my umbrella, it is gone'
    const before = routerOf(bank()).explain(question)
    const negative = routerOf(bankWith('card_lost', { negatives: ['block my umbrella', 'my umbrella is gone'] }))
    const outOfScope = routerOf(bank({ out_of_scope: { utterances: ['block my umbrella', 'my umbrella is gone'] } }))
    expect(before).toMatchObject({ outcome: 'answered', intent: 'card_lost' })
    expect(negative.route(question).score).toBeLessThan(before.score)
    expect(outOfScope.route(question).score).toBeLessThan(before.score)
  })

  it('takes a title as one more utterance', () => {
    const titled = routerOf(bankWith('opening_hours', { title: 'Umbrella stand' }))
    expect(titled.explain('umbrella stand').detail.best).toBe('opening_hours')
  })
})

describe('an explanation', () => {
  const router = routerOf(bank())
  const questions = [
    'When will my card arrive?',
    'when when when card card',
    'my card my card it was stolen i think by somebody in a train',
    'zzz qqq www',
    'rate',
    'What is the exchange rate for euros?',
    'dó yoü öpen tödäy',
    'a b c d e f g',
  ]

  it.each(questions)('of "%s" has contributions of words that add up to the score, in any order', (question) => {
    const { score, detail } = router.explain(question)
    const weights = detail.contributions.map(({ weight }) => weight)
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
    expect(sum(weights)).toBe(score)
    expect(sum(weights.toReversed())).toBe(score)
    expect(sum(weights.toSorted((a, b) => a - b))).toBe(score)
  })

  it.each(questions)('of "%s" goes with the same route as without', (question) => {
    expect(router.explain(question)).toMatchObject(router.route(question))
  })

  it('shows at most 200 characters of a word', () => {
    expect(router.explain(`card ${'x'.repeat(5000)}`).detail.unknown).toEqual(['x'.repeat(200)])
  })

  it('names unknown words, the runner-up and the nearest utterance', () => {
    const { detail } = router.explain('My card was stolen by flibbertigibbets')
    expect(detail.unknown).toEqual(['by', 'flibbertigibbets'])
    expect(detail.nearest).toBe('My card was stolen')
    expect(detail.runner_up?.intent).toBe('card_arrival')
  })

  it('says which word was read as which, and names the known one as matched', () => {
    const route = router.explain('my card was stollen')
    expect(route.detail.corrections).toEqual([{ from: 'stollen', to: 'stolen' }])
    expect(route.matched).toContain('stolen')
    expect(route.detail.unknown).toEqual([])
  })
})

describe('Portuguese', () => {
  const router = routerOf(helpDesk())

  it('goes the same way with and without accents', () => {
    const plain = router.route('quero informacao da conta')
    expect(plain).toMatchObject({ outcome: 'answered', intent: 'informacao_conta' })
    expect(router.route('quero informação da conta').score).toBe(plain.score)
    expect(router.route('QUERO INFORMAÇÃO DA CONTA').score).toBe(plain.score)
    // Composed and decomposed letters are one.
    expect(router.route('quero informação da conta'.normalize('NFD')).score).toBe(plain.score)
  })

  it('shows words with the accents that the question had', () => {
    expect(router.route('quero informação da conta').matched).toContain('informação')
  })
})

describe('other languages', () => {
  it('are routed without a stemmer', () => {
    const unstemmed = routerOf(bank({ language: 'xx', normalization: { fold_accents: false, stemmer: 'none' } }))
    expect(unstemmed.route('when will my card arrive').intent).toBe('card_arrival')
  })

  it('without spaces are split by the segmenter', () => {
    const intent = (name: string, utterances: string[]) => ({ name, title: name, utterances })
    const router = routerOf({
      ...bank(),
      language: 'ja',
      normalization: { fold_accents: false, stemmer: 'none' },
      intents: [
        intent('card', [
          'カードはいつ届きますか',
          '新しいカードを待っています',
          'カードの配達はどのくらいかかりますか',
        ]),
        intent('hours', ['営業時間を教えてください', '土曜日は開いていますか', '何時に閉まりますか']),
        intent('fallback', []),
      ],
    })
    expect(router.explain('新しいカードはいつ届きますか')).toMatchObject({ intent: 'card', outcome: 'answered' })
  })
})
