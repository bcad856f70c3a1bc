import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { loadBundle, underFloor, type LoadedBundle } from '../../../runtime/bundle/load.ts'
import { execute, type ExecutionRequest } from '../../../runtime/engine/execute.ts'
import { runSuites } from '../../../runtime/engine/suites.ts'
import { Fault } from '../../../schemas/fault.ts'
import { bundleSource, FAQ } from '../../support/bundle-source.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const load = (changes: Record<string, string | null> = {}) => loadBundle(compileBundle(bundleSource(changes), 1).files)
const bundle = load()

function ask(question: unknown, rest: Partial<ExecutionRequest> = {}, from: LoadedBundle = bundle) {
  const request = { input: { question }, intent: null, alias: 'current', explain: false, ...rest } satisfies Omit<
    ExecutionRequest,
    'input'
  > & { input: Record<string, unknown> }
  return execute(from, request, {})
}
const reason = (question: unknown, rest: Partial<ExecutionRequest> = {}, from?: LoadedBundle) =>
  thrownReason(() => ask(question, rest, from))
const security = (text: string) => load({ 'policies/security.yaml': text })

function messageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('expected a refusal')
}

describe('executing a request', () => {
  it('routes the question and renders the template of its intent', () => {
    expect(ask('When will my card arrive?')).toMatchObject({
      outcome: 'answered',
      intent: 'card_arrival',
      output: { answer: 'Your card arrives in 3 to 5 days. Call 0800 1.' },
      redacted: 0,
    })
  })

  it('says which words decided, and more where it is asked to explain', () => {
    const { routing } = ask('When will my card arrive?')
    expect(routing!.matched).toContain('arrive')
    expect(routing!.score).toBeGreaterThanOrEqual(routing!.threshold)
    expect(routing).not.toHaveProperty('detail')
    expect(
      ask('When will my card arrive?', { explain: true }).routing!.detail!.contributions.map(({ word }) => word),
    ).toContain('card')
  })

  it('answers with facts where the intent has no template', () => {
    expect(ask('what are my limits')).toMatchObject({ intent: 'limits', output: { daily: 500, currency: 'EUR' } })
  })

  it('falls back where no intent fits', () => {
    expect(ask('quantum chromodynamics')).toMatchObject({
      outcome: 'fallback',
      intent: 'fallback',
      output: { answer: 'Sorry, I do not know. Call 0800 1.' },
    })
  })

  it('names the intents that are too close to each other, to keys without the scope explain too', () => {
    const ontology = FAQ['ontology/ontology.yaml']!.replace('threshold: 0.3', 'threshold: 0.1, min_margin: 0.9')
    const { outcome, intent, routing } = ask('my card', {}, load({ 'ontology/ontology.yaml': ontology }))
    expect({ outcome, intent }).toEqual({ outcome: 'fallback', intent: 'fallback' })
    expect(routing!.ambiguous).toEqual(expect.arrayContaining(['card_arrival', 'card_lost']))
    expect(routing).not.toHaveProperty('detail')
    expect(ask('When will my card arrive?').routing).not.toHaveProperty('ambiguous')
  })

  it('takes a named intent without routing', () => {
    expect(ask('quantum', { intent: 'card_lost' })).toMatchObject({
      outcome: 'answered',
      intent: 'card_lost',
      routing: null,
    })
    expect(ask('quantum', { intent: 'fallback' })).toMatchObject({
      outcome: 'fallback',
      intent: 'fallback',
      routing: null,
    })
  })

  it('fills in the values of the tenant, and their defaults', () => {
    const request: ExecutionRequest = {
      input: { question: 'I lost my card' },
      intent: null,
      alias: 'current',
      explain: false,
    }
    expect(execute(bundle, request, { phone: '112' }).output).toEqual({ answer: 'We block it at once. Call 112.' })
    expect(thrownReason(() => execute(bundle, request, { phone: 112 }))).toBe('BUNDLE_UNVERIFIED')
    expect(thrownReason(() => execute(bundle, request, { other: 'x' }))).toBe('BUNDLE_UNVERIFIED')
  })

  it('redacts the output and counts what it took out', () => {
    const { output, redacted } = ask('', {
      input: { question: 'when will my card arrive', name: 'Ana 4111111111111111' },
    })
    expect(output).toEqual({ answer: 'Ana [card], your card arrives in 3 to 5 days. Call 0800 1.' })
    expect(redacted).toBe(1)
  })

  it('gives the same answer to the same request, to the byte', () => {
    expect(JSON.stringify(ask('where is my card'))).toBe(JSON.stringify(ask('where is my card')))
  })

  it.each<[string, unknown, Partial<ExecutionRequest>, string]>([
    ['an input that breaks its entity', 42, {}, 'INPUT_INVALID'],
    ['an empty question', '', {}, 'INPUT_INVALID'],
    ['a field that the entity does not have', '', { input: { question: 'a', other: 1 } }, 'INPUT_INVALID'],
    ['a missing question', '', { input: {} }, 'INPUT_INVALID'],
    ['a question that is too long', 'a'.repeat(201), {}, 'INPUT_INVALID'],
    ['a locale that is not allowed', '', { input: { question: 'a', locale: 'fr' } }, 'INPUT_INVALID'],
    ['an intent that does not exist', 'a', { intent: 'nothing' }, 'INTENT_UNKNOWN'],
    ['an intent by an inherited name', 'a', { intent: 'constructor' }, 'INTENT_UNKNOWN'],
  ])('refuses %s', (_what, question, rest, expected) => {
    expect(reason(question, rest)).toBe(expected)
  })

  it('compares locales without case, and counts characters, not code units', () => {
    expect(ask('', { input: { question: 'my card', locale: 'PT-br' } }).outcome).toBeDefined()
    expect(ask('😀'.repeat(200)).outcome).toBe('fallback')
    expect(reason('😀'.repeat(201))).toBe('INPUT_INVALID')
  })

  it('refuses intents that the security policy does not allow, named or found; the fallback may answer', () => {
    const strict = security('allowed_intents: [card_lost]\nmax_input_chars: 200\nallowed_aliases: [current]\n')
    expect(ask('I lost my card', {}, strict).intent).toBe('card_lost')
    expect(reason('when will my card arrive', {}, strict)).toBe('FORBIDDEN')
    expect(reason('a', { intent: 'limits' }, strict)).toBe('FORBIDDEN')
    expect(ask('quantum chromodynamics', {}, strict).intent).toBe('fallback')
  })

  it('refuses aliases that the security policy does not allow', () => {
    const strict = security('allowed_intents: ["*"]\nmax_input_chars: 200\nallowed_aliases: [current]\n')
    expect(reason('my card', { alias: 'candidate' }, strict)).toBe('FORBIDDEN')
    expect(ask('my card', { alias: 'current' }, strict).outcome).toBeDefined()
  })

  it('lets nothing out that breaks the entity of the output', () => {
    const long = load({ 'templates/card_lost.j2': 'x'.repeat(400) })
    expect(reason('I lost my card', {}, long)).toBe('OUTPUT_INVALID')
    const empty = load({ 'templates/card_lost.j2': '' })
    expect(reason('I lost my card', {}, empty)).toBe('OUTPUT_INVALID')
    const wrong = load({
      'ontology/ontology.yaml': FAQ['ontology/ontology.yaml']!.replace('currency: EUR', 'currency: GBP'),
    })
    expect(reason('what are my limits', {}, wrong)).toBe('OUTPUT_INVALID')
  })

  it('refuses a template that needs what the request does not bring', () => {
    const needy = load({ 'templates/card_lost.j2': 'Dear {{ input.name }}.' })
    expect(reason('I lost my card', {}, needy)).toBe('OUTPUT_INVALID')
    expect(ask('', { input: { question: 'I lost my card', name: 'Ana' } }, needy).output).toEqual({
      answer: 'Dear Ana.',
    })
  })

  it('checks the input against the entity of the intent that was found', () => {
    const entity =
      'type: object\nrequired: [question, name]\nproperties: { question: { type: string }, name: { type: string } }\n'
    const ontology = FAQ['ontology/ontology.yaml']!.replace(
      'template: card_lost.j2',
      'template: card_lost.j2\n    input: named',
    )
    const named = load({ 'entities/named.schema.yaml': entity, 'ontology/ontology.yaml': ontology })
    expect(reason('I lost my card', {}, named)).toBe('INPUT_INVALID')
    expect(ask('', { input: { question: 'I lost my card', name: 'Ana' } }, named).intent).toBe('card_lost')
    expect(reason('x', { intent: 'card_lost' }, named)).toBe('INPUT_INVALID')
  })

  it('never repeats the input in a refusal', () => {
    for (const input of [
      { question: 'CANARY'.repeat(200) },
      { question: 'a', CANARY: 1 },
      { question: 'a', locale: 'CANARY' },
    ]) {
      expect(messageOf(() => ask('', { input }))).not.toContain('CANARY')
    }
    expect(messageOf(() => ask('a', { intent: 'CANARY' }))).not.toContain('CANARY')
  })

  it('of any input, intent and values gives an answer or a Fault, twice the same', () => {
    const outcome = (
      input: Record<string, unknown>,
      intent: string | null,
      values: Record<string, unknown>,
    ): string => {
      try {
        return JSON.stringify(execute(bundle, { input, intent, alias: 'current', explain: false }, values))
      } catch (error) {
        if (error instanceof Fault) return `${error.reason} ${error.message}`
        throw error
      }
    }
    const objects = fc.dictionary(
      fc.constantFrom('question', 'name', 'locale', 'phone', '__proto__', 'toString'),
      fc.jsonValue(),
      { maxKeys: 4 },
    )
    const intents = fc.option(fc.constantFrom('card_lost', 'card_arrival', 'limits', 'fallback', '__proto__', ''))
    fc.assert(
      fc.property(objects, intents, objects, (input, intent, values) => {
        expect(outcome(input, intent, values)).toBe(outcome(input, intent, values))
      }),
      { numRuns: 500, seed: 5 },
    )
  })
})

describe('answering from documents', () => {
  const RETRIEVING: Record<string, string | null> = {
    'ontology/ontology.yaml': FAQ['ontology/ontology.yaml']!.replace(
      'output: limits\n    facts: { daily: 500, currency: EUR }',
      'output: cited\n    retrieval: { documents: [limits.md] }',
    ),
    'entities/cited.schema.yaml': `type: object
additionalProperties: false
required: [answer, citations]
properties:
  answer: { type: string, maxLength: 2000 }
  citations:
    type: array
    maxItems: 5
    items:
      type: object
      additionalProperties: false
      required: [document, heading]
      properties: { document: { type: string }, heading: { type: string } }
`,
    'policies/rag.yaml': 'enabled: true\nmax_passages: 2\nmin_score: 0.1\n',
    'documents/limits.md':
      '# Limits\n## Withdrawals\nYou can withdraw 500 a day. Card 4111111111111111.\n## Transfers\nTransfers are free.\n',
    'documents/other.md': '# Withdrawals\nHow much can I withdraw: nothing.\n',
    'suites/golden.json': null,
  }
  const retrieving = load(RETRIEVING)
  const fallback = 'Sorry, I do not know. Call 0800 1.'

  it('gives the passages that have the words of the question, and where they stand, redacted as any output', () => {
    const asked = ask('how much can I withdraw', {}, retrieving)
    expect(asked).toMatchObject({ outcome: 'answered', intent: 'limits', redacted: 1 })
    expect(asked.output).toEqual({
      answer: 'You can withdraw 500 a day. Card [card].',
      citations: [{ document: 'limits.md', heading: 'Limits > Withdrawals' }],
    })
    expect(asked).not.toHaveProperty('passages')
    expect(ask('free transfers', { intent: 'limits' }, retrieving)).toMatchObject({
      outcome: 'answered',
      routing: null,
      output: { citations: [{ heading: 'Limits > Transfers' }] },
    })
  })

  it('falls back where no passage reaches the score of the policy', () => {
    const strict = load({ ...RETRIEVING, 'policies/rag.yaml': 'enabled: true\nmax_passages: 2\nmin_score: 0.99\n' })
    for (const intent of [null, 'limits']) {
      expect(ask('how much can I withdraw', { intent }, strict)).toMatchObject({
        outcome: 'fallback',
        intent: 'fallback',
        output: { answer: fallback },
      })
    }
  })

  it('falls back where the policy or the floor of the organisation turned it off', () => {
    const off = load({ ...RETRIEVING, 'policies/rag.yaml': 'enabled: false\nmax_passages: 2\nmin_score: 0\n' })
    expect(ask('how much can I withdraw', {}, off).outcome).toBe('fallback')
    const floored = underFloor(retrieving, { rag: { enabled: false } })
    expect(ask('how much can I withdraw', {}, floored).outcome).toBe('fallback')
    expect(ask('how much can I withdraw', {}, underFloor(retrieving, { rag: { max_passages: 1 } })).outcome).toBe(
      'answered',
    )
  })

  it('lets no passage out that breaks the entity of the output', () => {
    const short = load({
      ...RETRIEVING,
      'entities/cited.schema.yaml': RETRIEVING['entities/cited.schema.yaml']!.replace('2000', '10'),
    })
    expect(reason('how much can I withdraw', {}, short)).toBe('OUTPUT_INVALID')
  })

  it('says in suites where a question went in the end', () => {
    const suite = {
      suite: 'routing',
      kind: 'routing',
      cases: [
        {
          name: 'found',
          input: { question: 'how much can I withdraw' },
          expect: { intent: 'limits', outcome: 'answered' },
        },
        { name: 'not found', input: { question: 'daily raise' }, expect: { outcome: 'fallback' } },
      ],
    }
    const strict = load({
      ...RETRIEVING,
      'policies/rag.yaml': 'enabled: true\nmax_passages: 2\nmin_score: 0.1\n',
      'suites/routing.json': JSON.stringify(suite),
    })
    expect(runSuites(strict, {}, { order: 'given' })[0]).toMatchObject({ passed: 2, verdict: 'pass' })
  })

  it.each<[string, Record<string, string | null>, string]>([
    ['without a rag policy', { 'policies/rag.yaml': null }, 'POLICY_MISSING'],
    ['without the document', { 'documents/limits.md': null }, 'ONTOLOGY_INVALID'],
    [
      'for the fallback',
      { 'ontology/ontology.yaml': ontologyWith('fallback: fallback', 'fallback: limits') },
      'ONTOLOGY_INVALID',
    ],
    [
      'beside facts',
      { 'ontology/ontology.yaml': ontologyWith('output: cited', 'output: cited\n    facts: { a: 1 }') },
      'ONTOLOGY_INVALID',
    ],
    [
      'into an entity without citations',
      { 'ontology/ontology.yaml': ontologyWith('output: cited', 'output: answer') },
      'ONTOLOGY_INVALID',
    ],
  ])('is refused %s', (_what, changes, expected) => {
    expect(thrownReason(() => load({ ...RETRIEVING, ...changes }))).toBe(expected)
  })

  function ontologyWith(from: string, to: string): string {
    return FAQ['ontology/ontology.yaml']!.replace(
      'output: limits\n    facts: { daily: 500, currency: EUR }',
      'output: cited\n    retrieval: { documents: [limits.md] }',
    ).replace(from, to)
  }
})
