import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { bundleDigest, sourceDigest, sourceOf } from '../../../runtime/bundle/digest.ts'
import { bundleSource, FAQ } from '../../support/bundle-source.ts'
import { thrownReason } from '../../support/thrown-reason.ts'

const edit = (path: string, from: string | RegExp, to: string) => ({ [path]: FAQ[path]!.replace(from, to) })
const ONTOLOGY = 'ontology/ontology.yaml'

/** Of the source in `tests/support/bundle-source.ts`; seals that exist depend on it. */
const PROGRAM_OF_COMPILER_1 = '16f1ee4137717219a0c14594a635c0ece75ca75bdd10de7b16b6d76da21d3506'

describe('sealing a source', () => {
  const source = bundleSource()
  const sealed = compileBundle(source, 1)

  it('keeps the source, adds bundle_id as the last line of the manifest, and compiles into sealed/', () => {
    expect(sealed.files.get('manifest.yaml')!.toString()).toBe(`${FAQ['manifest.yaml']}bundle_id: ${sealed.bundleId}\n`)
    const added = [...sealed.files.keys()].filter((path) => !source.has(path))
    expect(added).toEqual(['sealed/program.json', 'sealed/router.bin'])
    expect(sourceOf(sealed.files)).toEqual(source)
  })

  it('names source and seal by their digests', () => {
    expect(sealed.sourceDigest).toBe(sourceDigest(source))
    expect(sealed.digest).toBe(bundleDigest(sealed.files))
    expect(sealed.bundleId).toBe(`b-${sealed.sourceDigest.slice(7, 39)}`)
  })

  it('gives the same bytes every time, whatever order the files come in', () => {
    const again = compileBundle(new Map([...source].reverse()), 1)
    expect(again.digest).toBe(sealed.digest)
  })

  it('by a released compiler never gives another program', () => {
    const program = sealed.files.get('sealed/program.json')!
    expect(createHash('sha256').update(program).digest('hex')).toBe(PROGRAM_OF_COMPILER_1)
  })

  it.each<[string, Record<string, string | null>, string]>([
    ['is sealed already', { 'sealed/router.bin': 'x' }, 'LAYOUT_INVALID'],
    ['writes its own bundle_id', edit('manifest.yaml', /$/, `bundle_id: b-${'0'.repeat(32)}\n`), 'MANIFEST_INVALID'],
    [
      'has a manifest that takes no further line',
      {
        'manifest.yaml':
          '{ bundle_name: faq, bundle_version: 1.0.0, created_at: "2026-01-02T03:04:05Z", created_by: ana, description: x, runtime_compatibility: { min_version: 1.0.0 } }\n',
      },
      'MANIFEST_INVALID',
    ],
    ['has a manifest without an end of line', edit('manifest.yaml', /\n$/, ''), 'MANIFEST_INVALID'],
    ['lacks a file', { [ONTOLOGY]: null }, 'LAYOUT_INVALID'],
    ['names a template that is not there', { 'templates/card_lost.j2': null }, 'ONTOLOGY_INVALID'],
    ['names an entity that is not there', edit(ONTOLOGY, 'output: limits', 'output: nothing'), 'ONTOLOGY_INVALID'],
    [
      'names a fallback that is no intent',
      edit(ONTOLOGY, 'fallback: fallback', 'fallback: nobody'),
      'ONTOLOGY_INVALID',
    ],
    [
      'reads the question from a property that is not there',
      edit(ONTOLOGY, 'question: question,', 'question: pergunta,'),
      'ONTOLOGY_INVALID',
    ],
    ['has an output that takes no answer', edit('entities/answer.schema.yaml', /answer/g, 'text'), 'ONTOLOGY_INVALID'],
    [
      'has an output that requires more than an answer',
      {
        'entities/answer.schema.yaml':
          'type: object\nrequired: [answer, more]\nproperties: { answer: { type: string }, more: { type: string } }\n',
      },
      'ONTOLOGY_INVALID',
    ],
    ['has a hostile template', { 'templates/card_lost.j2': "{{ range.constructor('x')() }}" }, 'TEMPLATE_INVALID'],
    ['has a hostile entity', { 'entities/answer.schema.yaml': '$ref: http://169.254.169.254/\n' }, 'ENTITY_INVALID'],
    [
      'has a hostile redaction rule',
      { 'policies/redaction.yaml': 'rules: [{ name: a, pattern: "(?=a)b", replacement: x }]\n' },
      'POLICY_INVALID',
    ],
    ['turns on a model', { 'policies/llm.yaml': 'enabled: true\n' }, 'POLICY_INVALID'],
    [
      'retrieves without a policy and documents',
      edit(ONTOLOGY, 'facts: { daily: 500, currency: EUR }', 'retrieval: { documents: [a.md] }'),
      'ONTOLOGY_INVALID',
    ],
    ['lacks a required policy', { 'policies/security.yaml': null }, 'POLICY_MISSING'],
  ])('is refused for a source that %s', (_what, changes, reason) => {
    expect(thrownReason(() => compileBundle(bundleSource(changes), 1))).toBe(reason)
  })

  it('needs a compiler that this version has', () => {
    expect(thrownReason(() => compileBundle(source, 2))).toBe('CONFIG_INVALID')
  })

  it('names the place of what is wrong', () => {
    const changed = bundleSource({ 'templates/card_lost.j2': 'a\n{{ nobody }}' })
    expect(() => compileBundle(changed, 1)).toThrow(
      expect.objectContaining({
        findings: [expect.objectContaining({ path: 'templates/card_lost.j2', line: 2, column: 4 })],
      }),
    )
  })
})
