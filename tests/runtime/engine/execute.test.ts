import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { loadBundle, type LoadedBundle } from '../../../runtime/bundle/load.ts'
import { execute, type ExecutionRequest } from '../../../runtime/engine/execute.ts'
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
