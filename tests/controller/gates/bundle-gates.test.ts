import { describe, expect, it } from 'vitest'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import type { GateRequest } from '../../../controller/gates/judge-bundle.ts'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { sourceDigest } from '../../../runtime/bundle/digest.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'
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

const ONTOLOGY = 'ontology/ontology.yaml'

describe('a bundle is refused', () => {
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
    [
      'with a template that reads a fact which no intent states',
      { 'templates/contact.j2': 'Write to {{ facts.mail }}.' },
      'templates',
      'TEMPLATE_INVALID',
    ],
    [
      'with a question that its input does not have',
      { [ONTOLOGY]: sed('  question: question', '  question: query') },
      'ontology',
      'ONTOLOGY_INVALID',
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
    const changed = faq({ 'metadata/bundle.yaml': sed('production', 'staging') })
    expect(errors(changed, { sealed }).found).toEqual([
      { gate: 'immutability', code: 'VERSION_NOT_BUMPED', path: 'bundles/faq/manifest.yaml' },
    ])
    expect(errors(faq(), { sealed }).verdict).toBe('pass')
    const bumped = faq({ 'metadata/bundle.yaml': sed('production', 'staging'), 'manifest.yaml': sed('0.1.0', '0.1.1') })
    expect(errors(bumped, { sealed }).verdict).toBe('pass')
  })

  it('with every finding at its place', () => {
    const { report } = judge(faq({ [ONTOLOGY]: sed('template: contact.j2', 'template: missing.j2') }))
    expect(report.findings).toContainEqual(
      expect.objectContaining({ code: 'ONTOLOGY_INVALID', path: `bundles/faq/${ONTOLOGY}`, line: 30, column: 15 }),
    )
  })
})

describe('the step from one version to the next', () => {
  const before = compileBundle(faq({ 'manifest.yaml': sed('0.1.0', '1.0.0') }), 1).files
  const judgeStep = (version: string, changes: Parameters<typeof faq>[0] = {}) =>
    judge(faq({ 'manifest.yaml': sed('0.1.0', version), ...changes }), { previous: before }).report

  it.each([
    ['an intent removed', { [ONTOLOGY]: sed('name: contact', 'name: reach_us') }, ONTOLOGY],
    [
      'an input narrowed',
      { 'entities/question.schema.yaml': sed('maxLength: 500', 'maxLength: 50') },
      'entities/question.schema.yaml',
    ],
    [
      'a policy that no longer allows what it did',
      { 'policies/security.yaml': sed('500', '100') },
      'policies/security.yaml',
    ],
    [
      'a field removed from an output',
      { 'entities/answer.schema.yaml': sed('required: [answer]', 'required: []') },
      'entities/answer.schema.yaml',
    ],
  ])('refuses %s without a new MAJOR, where it stands', (_, changes, path) => {
    const report = judgeStep('1.1.0', changes)
    expect(report.verdict).toBe('fail')
    expect(report.findings).toContainEqual(
      expect.objectContaining({
        gate: 'immutability',
        code: 'BREAKING_CHANGE',
        severity: 'error',
        path: `bundles/faq/${path}`,
      }),
    )
    const major = judgeStep('2.0.0', changes).findings.filter(({ gate }) => gate === 'immutability')
    expect(major).toEqual([])
  })

  it('asks for a new MINOR where something is added, and does not insist', () => {
    const added = { 'policies/cache.yaml': 'enabled: true\nttl_s: 60\nmax_entries: 10\n' }
    expect(judgeStep('1.0.1', added)).toMatchObject({
      verdict: 'pass',
      findings: [{ code: 'BREAKING_CHANGE', severity: 'warning', path: 'bundles/faq/manifest.yaml', line: 2 }],
    })
    expect(judgeStep('1.1.0', added).findings).toEqual([])
  })

  it('takes other words as a patch', () => {
    const words = {
      'templates/not_understood.j2': 'Please ask in other words.\n',
      'suites/golden.json': sed('I did not understand that. ', ''),
    }
    expect(judgeStep('1.0.1', words)).toMatchObject({ verdict: 'pass', findings: [] })
  })
})

it('every refusal has a finding, at a file of the bundle', () => {
  const broken = [
    { [ONTOLOGY]: sed('  question: question', '  question: query') },
    { 'entities/answer.schema.yaml': sed('type: string', 'type: integer') },
    { 'policies/redaction.yaml': sed('@customer', '(?=x)@customer') },
  ]
  for (const changes of broken) {
    const { verdict, findings } = judge(faq(changes)).report
    expect(verdict).toBe('fail')
    expect(findings.filter(({ severity }) => severity === 'error').map(({ path }) => path)).not.toEqual([])
    for (const { path } of findings) expect(path).toMatch(/^bundles\/faq\//)
  }
})

describe('the budget', () => {
  const within = (budget: NonNullable<Registry['budget']>) => judge(faq(), { rules: { ...RULES, budget } }).report

  it.each([
    ['source_bytes', 'manifest.yaml'],
    ['utterances', ONTOLOGY],
    ['sealed_bytes', ONTOLOGY],
    ['steps', 'templates/opening_hours.j2'],
  ] as const)('of a registry may allow fewer %s than every registry does', (unit, path) => {
    expect(within({ [unit]: 1 })).toMatchObject({
      verdict: 'fail',
      findings: [{ gate: 'budget', code: 'BUDGET_EXCEEDED', severity: 'error', path: `bundles/faq/${path}` }],
    })
  })

  it('warns before it refuses', () => {
    expect(within({ utterances: 20 })).toMatchObject({ verdict: 'pass', findings: [{ severity: 'warning' }] })
  })
})

describe('a registry', () => {
  const unused = faq({ 'templates/unused.j2': 'Nobody says this.\n' })

  it('may refuse what others only warn of', () => {
    expect(judge(unused).report).toMatchObject({
      verdict: 'pass',
      findings: [{ gate: 'templates', severity: 'warning' }],
    })
    const rules = { ...RULES, raise: ['templates'] }
    expect(judge(unused, { rules }).report).toMatchObject({
      verdict: 'fail',
      findings: [{ gate: 'templates', severity: 'error' }],
    })
  })

  it('cannot turn a note into a refusal, nor anything into less', () => {
    const uncovered = faq({ 'suites/golden.json': null })
    const rules = { ...RULES, raise: ['coverage'] }
    expect(judge(uncovered, { rules }).report).toMatchObject({ verdict: 'pass' })
  })
})

describe('coverage', () => {
  it('names what no case touches, and refuses nothing', () => {
    const { verdict, findings } = judge(faq({ 'suites/golden.json': null })).report
    expect(verdict).toBe('pass')
    expect(findings.map(({ code, severity, message }) => [code, severity, message])).toEqual([
      [
        'NOT_COVERED',
        'note',
        '3 of 3 templates are rendered by no case: contact.j2, not_understood.j2, opening_hours.j2.',
      ],
      ['NOT_COVERED', 'note', '1 of 2 entities are held against nothing by any case: answer.'],
    ])
  })
})
