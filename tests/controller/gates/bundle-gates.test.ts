import { describe, expect, it } from 'vitest'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import type { GateRequest } from '../../../controller/gates/judge-bundle.ts'
import { sourceDigest } from '../../../runtime/bundle/digest.ts'
import { faq, RULES } from '../../support/scaffold.ts'

function judge(files: GateRequest['files'], more: Partial<GateRequest> = {}) {
  return judgeBundle({ files, name: 'faq', rules: RULES, sealed: [], previous: null, ...more })
}

function errors(files: GateRequest['files'], more: Partial<GateRequest> = {}) {
  const { report } = judge(files, more)
  const found = report.findings.filter(({ severity }) => severity === 'error')
  return { verdict: report.verdict, found: found.map(({ gate, code, path }) => ({ gate, code, path })) }
}

const sed = (from: string | RegExp, to: string) => (text: string) => text.replace(from, to)

describe('a new bundle', () => {
  it('passes every gate', () => {
    const { report, sealed } = judge(faq())
    expect(report.findings).toEqual([])
    expect(report).toMatchObject({ verdict: 'pass', bundle: 'faq', version: '0.1.0' })
    expect(report.ran.map(({ verdict }) => verdict)).not.toContain('fail')
    expect(sealed?.get('manifest.yaml')?.toString()).toMatch(/\nbundle_id: b-[0-9a-f]{32}\n$/)
  })

  it('gives the same report to the byte each time', () => {
    expect(JSON.stringify(judge(faq()).report)).toBe(JSON.stringify(judge(faq()).report))
  })
})

describe('a bundle is refused', () => {
  const ONTOLOGY = 'ontology/ontology.yaml'
  it.each([
    ['without its ontology', { [ONTOLOGY]: null }, 'layout', 'LAYOUT_INVALID'],
    ['with a second ontology', { 'ontology/other.yaml': 'language: en\n' }, 'layout', 'LAYOUT_INVALID'],
    [
      'without a suite',
      { 'suites/routing.json': null, 'suites/threshold.json': null, 'suites/golden.json': null },
      'layout',
      'LAYOUT_INVALID',
    ],
    [
      'with a manifest that names another bundle',
      { 'manifest.yaml': sed('bundle_name: faq', 'bundle_name: other') },
      'manifest',
      'MANIFEST_INVALID',
    ],
    ['with a version that is not SemVer', { 'manifest.yaml': sed('0.1.0', '0.1') }, 'manifest', 'MANIFEST_INVALID'],
    [
      'with an intent that stands twice',
      { [ONTOLOGY]: sed('- name: contact', '- name: opening_hours') },
      'ontology',
      'ONTOLOGY_INVALID',
    ],
    [
      'with an unknown fallback',
      { [ONTOLOGY]: sed('fallback: not_understood', 'fallback: nothing') },
      'ontology',
      'ONTOLOGY_INVALID',
    ],
    [
      'with one utterance under two intents',
      { [ONTOLOGY]: sed('- How can I reach you?', '- When are you open?') },
      'ontology',
      'ONTOLOGY_INVALID',
    ],
    ['with a template that is not there', { 'templates/contact.j2': null }, 'ontology', 'ONTOLOGY_INVALID'],
    [
      'with an anchor in the ontology',
      { [ONTOLOGY]: sed('language: en', 'language: &x en') },
      'ontology',
      'YAML_INVALID',
    ],
    [
      'with an entity that may backtrack',
      { 'entities/question.schema.yaml': sed('minLength: 1', "minLength: 1\n    pattern: '(?=a)b'") },
      'entities',
      'ENTITY_INVALID',
    ],
    [
      'with an entity from elsewhere',
      { 'entities/question.schema.yaml': sed('type: object', "$ref: 'http://169.254.169.254/'\ntype: object") },
      'entities',
      'ENTITY_INVALID',
    ],
    ['without a required policy', { 'policies/redaction.yaml': null }, 'policies', 'POLICY_MISSING'],
    [
      'with a policy about an unknown intent',
      { 'policies/security.yaml': sed("['*']", '[nothing]') },
      'policies',
      'POLICY_INVALID',
    ],
    [
      'with a template that reaches for code',
      { 'templates/contact.j2': "{{ range.constructor('return process')() }}" },
      'templates',
      'TEMPLATE_INVALID',
    ],
    ['with a golden case that is wrong', { 'suites/golden.json': sed('09:00', '10:00') }, 'suites', 'SUITE_FAILED'],
    ['with a suite that is not JSON', { 'suites/golden.json': '{ "suite": ' }, 'suites', 'JSON_INVALID'],
    [
      'for a Runtime that is not in production',
      { 'manifest.yaml': sed('min_version: 1.0.0', 'min_version: 2.0.0') },
      'compatibility',
      'INCOMPATIBLE_RUNTIME',
    ],
  ])('%s', (_, changes, gate, code) => {
    const { verdict, found } = errors(faq(changes))
    expect(verdict).toBe('fail')
    expect(found).toContainEqual(expect.objectContaining({ gate, code }))
  })

  it('with other content under a sealed version, and not with the same content', () => {
    const sealed = [{ version: '0.1.0', source_digest: sourceDigest(faq()), digest: `sha256:${'0'.repeat(64)}` }]
    const changed = faq({ 'templates/contact.j2': sed('Write', 'Please write') })
    expect(errors(changed, { sealed }).found).toEqual([
      { gate: 'immutability', code: 'VERSION_NOT_BUMPED', path: 'bundles/faq/manifest.yaml' },
    ])
    expect(errors(faq(), { sealed }).verdict).toBe('pass')
    const bumped = faq({ 'templates/contact.j2': sed('Write', 'Please write'), 'manifest.yaml': sed('0.1.0', '0.1.1') })
    expect(errors(bumped, { sealed }).verdict).toBe('pass')
  })

  it('with every finding at its place', () => {
    const { report } = judge(faq({ [ONTOLOGY]: sed('template: contact.j2', 'template: missing.j2') }))
    expect(report.findings).toContainEqual(
      expect.objectContaining({ code: 'ONTOLOGY_INVALID', path: `bundles/faq/${ONTOLOGY}`, line: 30, column: 15 }),
    )
  })
})
