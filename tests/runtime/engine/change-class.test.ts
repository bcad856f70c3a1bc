import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../../runtime/bundle/parse.ts'
import { classifyChange, versionAllows, type ChangeClass } from '../../../runtime/engine/change-class.ts'
import { compareSchemas } from '../../../runtime/engine/schema/compare.ts'
import { bundleSource, FAQ } from '../../support/bundle-source.ts'

function parsed(changes: Record<string, string | null>) {
  const { bundle, findings } = parseBundle(bundleSource(changes), '')
  if (bundle === null) throw new Error(JSON.stringify(findings))
  return bundle
}
const edit = (path: string, from: string, to: string) => ({ [path]: FAQ[path]!.replace(from, to) })
const ONTOLOGY = 'ontology/ontology.yaml'
const QUESTION = 'entities/question.schema.yaml'
const ANSWER = 'entities/answer.schema.yaml'
const SECURITY = 'policies/security.yaml'
const LOST = FAQ[ONTOLOGY]!.slice(
  FAQ[ONTOLOGY]!.indexOf('  - name: card_lost'),
  FAQ[ONTOLOGY]!.indexOf('  - name: limits'),
)
const MORE = LOST.replace('card_lost', 'card_stolen')

describe('the class of a change', () => {
  it.each<[string, Record<string, string | null>, ChangeClass]>([
    ['nothing', {}, 'none'],
    ['a README', { 'README.md': 'x\n' }, 'none'],
    ['metadata', { 'metadata/bundle.yaml': 'owner: others\n' }, 'none'],
    ['the words of a template', edit('templates/card_lost.j2', 'at once', 'now'), 'patch'],
    ['a fact that a template prints', edit(ONTOLOGY, '[3, 5]', '[2, 4]'), 'patch'],
    ['utterances', edit(ONTOLOGY, 'track my card', 'find my card'), 'patch'],
    ['a threshold', edit(ONTOLOGY, 'threshold: 0.3', 'threshold: 0.5'), 'patch'],
    ['the value of a fact in an output', edit(ONTOLOGY, 'daily: 500', 'daily: 600'), 'patch'],
    ['a new intent', edit(ONTOLOGY, LOST, LOST + MORE), 'minor'],
    ['a removed intent', edit(ONTOLOGY, LOST, ''), 'major'],
    ['a renamed intent', edit(ONTOLOGY, 'name: card_lost', 'name: lost_card'), 'major'],
    ['a fact that leaves an output', edit(ONTOLOGY, 'daily: 500, ', ''), 'major'],
    ['an intent that answers in another form', edit(ONTOLOGY, 'template: card_lost.j2', 'facts: { a: 1 }'), 'major'],
    [
      'another property for the question',
      edit(ONTOLOGY, 'question: question, output', 'question: name, output'),
      'major',
    ],
    ['a new entity', { 'entities/extra.schema.yaml': 'type: object\n' }, 'minor'],
    ['a removed entity', { 'entities/limits.schema.yaml': null }, 'major'],
    [
      'a new optional field of the input',
      edit(QUESTION, 'properties:', 'properties:\n  age: { type: integer }'),
      'minor',
    ],
    [
      'a new required field of the input',
      { [QUESTION]: FAQ[QUESTION]!.replace('[question]', '[question, name]') },
      'major',
    ],
    [
      'a field that the input no longer takes',
      edit(QUESTION, '  name: { type: string, maxLength: 200 }\n', ''),
      'major',
    ],
    ['a narrower input', edit(QUESTION, 'maxLength: 1000', 'maxLength: 500'), 'major'],
    ['a wider input', edit(QUESTION, 'maxLength: 1000', 'maxLength: 2000'), 'minor'],
    [
      'a new optional field of the output',
      edit(ANSWER, 'properties:', 'properties:\n  link: { type: string }'),
      'minor',
    ],
    [
      'a field that leaves the output',
      edit('entities/limits.schema.yaml', '  daily: { type: integer, minimum: 0 }\n', ''),
      'major',
    ],
    [
      'a field of the output that may be missing now',
      edit('entities/limits.schema.yaml', '[daily, currency]', '[daily]'),
      'major',
    ],
    ['an output of another type', edit(ANSWER, 'type: string', 'type: integer'), 'major'],
    ['a shorter output', edit(ANSWER, 'maxLength: 300', 'maxLength: 200'), 'minor'],
    [
      'an output with a value that nobody knows',
      edit('entities/limits.schema.yaml', '[EUR, USD]', '[EUR, USD, BRL]'),
      'major',
    ],
    ['a new optional policy', { 'policies/rag.yaml': 'enabled: false\nmax_passages: 1\nmin_score: 0.5\n' }, 'minor'],
    ['a removed optional policy', { 'policies/cache.yaml': null }, 'minor'],
    ['another limit', { 'policies/rate_limit.yaml': 'execute: { per_minute: 30 }\n' }, 'patch'],
    ['fewer allowed intents', edit(SECURITY, '["*"]', '[card_lost]'), 'major'],
    ['fewer locales', edit(SECURITY, '[en, pt-BR]', '[en]'), 'major'],
    ['more locales', edit(SECURITY, '[en, pt-BR]', '[en, pt-BR, de]'), 'minor'],
    ['shorter questions', edit(SECURITY, '200', '100'), 'major'],
    ['longer questions', edit(SECURITY, '200', '300'), 'minor'],
    ['fewer aliases', edit(SECURITY, '[current, candidate]', '[current]'), 'major'],
    [
      'a new value for tenants',
      edit('values.schema.yaml', 'properties:', 'properties:\n  hours: { type: string, default: 9-5 }'),
      'minor',
    ],
    ['a value that tenants may no longer give', { 'values.schema.yaml': null }, 'major'],
    ['another default', edit('values.schema.yaml', '0800 1', '0800 2'), 'none'],
  ])('of %s is right', (_what, changes, expected) => {
    const { class: found, changes: list } = classifyChange(parsed({}), parsed(changes))
    expect({ found, list }).toMatchObject({ found: expected })
  })

  it('names everything that changed, the gravest first', () => {
    const after = parsed({
      ...edit(QUESTION, 'maxLength: 1000', 'maxLength: 500'),
      ...edit('templates/card_lost.j2', 'at once', 'now'),
      'entities/x.schema.yaml': 'type: object\n',
    })
    expect(classifyChange(parsed({}), after).changes.map(({ class: of, subject }) => [of, subject])).toEqual([
      ['major', 'entities/question/question'],
      ['minor', 'entities/x'],
      ['patch', 'templates/card_lost.j2'],
    ])
  })

  it('of the words of a document is a patch', () => {
    const [before, after] = ['Free.\n', 'Five pounds.\n'].map((text) => parsed({ 'documents/fees.md': text }))
    expect(classifyChange(before!, after!)).toMatchObject({
      class: 'patch',
      changes: [{ subject: 'documents/fees.md' }],
    })
  })

  it('of a removed required policy is major', () => {
    const before = parsed({})
    const { redaction: _left, ...policies } = before.policies
    expect(classifyChange(before, { ...before, policies }).class).toBe('major')
  })
})

describe('comparing schemas', () => {
  it.each<[object, object, string[]]>([
    [{ type: 'integer' }, { type: 'number' }, ['wider']],
    [{ type: 'number' }, { type: 'integer' }, ['narrower']],
    [{ type: 'string' }, { type: ['string', 'null'] }, ['wider']],
    [{ type: 'string' }, {}, ['wider']],
    [{ enum: ['a', 'b'] }, { enum: ['b', 'c'] }, ['narrower', 'wider']],
    [{ enum: ['a', 'b'] }, { const: 'a' }, ['narrower']],
    [{ minimum: 1 }, { minimum: 0 }, ['wider']],
    [{}, { minLength: 1 }, ['narrower']],
    [{ maxItems: 3 }, {}, ['wider']],
    [{ maxItems: 3 }, { maxItems: 2 }, ['narrower']],
    [{ pattern: 'a' }, { pattern: 'b' }, ['other']],
    [{ maxLength: 9 }, { maxLength: 9, pattern: 'a' }, ['narrower']],
    [{ format: 'date' }, {}, ['wider']],
    [{ anyOf: [{ type: 'string' }] }, { anyOf: [{ type: 'integer' }] }, ['other']],
    [{ additionalProperties: false }, {}, ['wider']],
    [{}, { additionalProperties: false }, ['narrower']],
    [{ items: { type: 'string' } }, { items: { type: 'integer' } }, ['narrower', 'wider']],
    [{ maxItems: 9, uniqueItems: true }, { maxItems: 9 }, ['wider']],
    [{ $defs: { a: { type: 'string' } }, $ref: '#/$defs/a' }, { type: 'string' }, []],
    [
      { $defs: { a: { type: 'string' } }, properties: { x: { $ref: '#/$defs/a' } } },
      { $defs: { a: { type: 'integer' } }, properties: { x: { $ref: '#/$defs/a' } } },
      ['narrower', 'wider'],
    ],
    [{ title: 'a', description: 'b' }, { title: 'c' }, []],
    [{ properties: { a: {} } }, { properties: { a: {} }, required: ['a'] }, ['narrower']],
    [{ properties: { a: {} } }, { properties: { a: {}, b: {} }, required: ['b'] }, ['required field added']],
  ])('%j with %j finds %j', (before, after, kinds) => {
    expect(compareSchemas(before, after).map(({ kind }) => kind)).toEqual(kinds)
  })
})

describe('a schema that no gate lets pass', () => {
  it.each<[string, object]>([
    ['refers to nothing', { $ref: '#/$defs/gone' }],
    ['refers to nothing, without definitions', { type: 'object', properties: { a: { $ref: '#/$defs/a' } } }],
    ['refers to itself', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }],
    ['names no list of required fields', { type: 'object', required: 5 }],
    ['names properties that are none', { type: 'object', properties: 'all' }],
    ['has a property that is no schema', { type: 'object', properties: { a: null } }],
    ['has a type that is none', { type: { a: 1 } }],
    ['has bounds that are none', { type: 'string', maxLength: 'many' }],
    ['has choices that are none', { enum: 5 }],
  ])('is one change that may be anything where it %s', (_, schema) => {
    for (const [before, after] of [
      [schema, { type: 'object' }],
      [{ type: 'object' }, schema],
    ] as const)
      expect(compareSchemas(before, after)).toMatchObject([{ kind: 'other', pointer: '' }])
    expect(compareSchemas(schema, schema)).toEqual([])
    const now = { ...parsed({}), entities: new Map([...parsed({}).entities, ['question', schema]]) }
    expect(classifyChange(parsed({}), now).class).toBe('major')
  })
})

describe('a version', () => {
  it.each<[string, string, ChangeClass, boolean]>([
    ['1.0.0', '1.0.0', 'none', true],
    ['1.0.0', '1.0.0', 'patch', false],
    ['1.0.0', '1.0.1', 'patch', true],
    ['1.0.0', '1.0.1', 'minor', false],
    ['1.0.0', '1.1.0', 'minor', true],
    ['1.0.0', '1.1.0', 'major', false],
    ['1.0.0', '2.0.0', 'major', true],
    ['2.0.0', '1.9.0', 'patch', false],
    ['0.1.0', '0.2.0', 'major', true],
    ['0.1.0', '0.1.1', 'major', false],
    ['0.1.0', '0.1.1', 'minor', true],
    ['1.0.0-rc.1', '1.0.0', 'major', true],
    ['1.0.0-rc.1', '1.0.0-rc.2', 'major', true],
    ['1.0.0', '2.0.0-rc.1', 'major', true],
    ['nonsense', '2.0.0', 'patch', false],
  ])('%s followed by %s with a %s change: %s', (from, to, change, allowed) => {
    expect(versionAllows(from, to, change)).toBe(allowed)
  })
})
