import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../../runtime/bundle/parse.ts'
import { faqBundle } from '../../support/faq-bundle.ts'

const findings = (changes: Parameters<typeof faqBundle>[0]) =>
  parseBundle(faqBundle(changes), 'bundles/faq/').findings.map(
    ({ gate, code, path, line }) => `${gate} ${code} ${path}:${line}`,
  )

describe('parseBundle', () => {
  it('reads every file of a bundle', () => {
    const files = faqBundle({
      'values.schema.yaml':
        'type: object\nadditionalProperties: false\nproperties:\n  phone: { type: string, default: "0800" }\n',
      'documents/terms.md': '# Terms\n\tindented\n',
      'README.md': '# FAQ\n',
      'recordings/one.json': '{"a": [1]}',
      'agents/one.yaml': 'a: 1\n',
      'policies/cache.yaml': 'enabled: true\nttl_s: 60\nmax_entries: 5\n',
    })
    const { bundle, findings: found } = parseBundle(files, '')
    expect(found).toEqual([])
    expect(bundle).toMatchObject({
      name: 'faq',
      version: '1.0.0',
      metadata: { owner: 'team' },
      policies: { cache: { ttl_s: 60 } },
    })
    expect([...(bundle?.entities.keys() ?? [])]).toEqual(['answer', 'question'])
    expect([...(bundle?.templates ?? [])]).toEqual([
      ['card.j2', 'In five days.\n'],
      ['none.j2', 'Please say it otherwise.\n'],
    ])
    expect([...(bundle?.suites.keys() ?? [])]).toEqual(['suites/routing.json'])
    expect([...(bundle?.documents.keys() ?? [])]).toEqual(['terms.md'])
    expect(bundle?.valuesSchema).toMatchObject({ properties: { phone: { default: '0800' } } })
  })

  it('knows the places in its files', () => {
    const { bundle } = parseBundle(faqBundle(), '')
    expect(bundle?.at('ontology/ontology.yaml', ['intents', 0, 'template'])).toEqual({ line: 8, column: 15 })
    expect(bundle?.at('entities/question.schema.yaml', ['properties', 'question', 'maxLength'])).toEqual({
      line: 5,
      column: 16,
    })
    expect(bundle?.at('templates/card.j2', ['x'])).toEqual({ line: 1, column: 1 })
    expect(bundle?.at('absent.yaml', ['x'])).toEqual({ line: 1, column: 1 })
  })

  it('does not depend on the order of files', () => {
    const { bundle } = parseBundle(new Map([...faqBundle()].reverse()), '')
    expect([...(bundle?.entities.keys() ?? [])]).toEqual(['answer', 'question'])
  })

  it.each([
    ['manifest.yaml', 'layout LAYOUT_INVALID bundles/faq/manifest.yaml:1'],
    ['ontology/ontology.yaml', 'layout LAYOUT_INVALID bundles/faq/ontology/ontology.yaml:1'],
    ['metadata/bundle.yaml', 'layout LAYOUT_INVALID bundles/faq/metadata/bundle.yaml:1'],
    ['suites/routing.json', 'layout LAYOUT_INVALID bundles/faq/suites/:1'],
  ])('misses %s', (path, finding) => {
    expect(findings({ [path]: null })).toEqual([finding])
    expect(parseBundle(faqBundle({ [path]: null }), '').bundle).toBeNull()
  })

  it('misses entities', () => {
    expect(findings({ 'entities/question.schema.yaml': null, 'entities/answer.schema.yaml': null })).toEqual([
      'layout LAYOUT_INVALID bundles/faq/entities/:1',
    ])
  })

  it.each([
    'manifest.yml',
    'ontology/other.yaml',
    'entities/question.yaml',
    'policies/unknown.yaml',
    'templates/a/b.j2',
    'templates/a.html',
    'suites/a.yaml',
    'documents/a.txt',
    'metadata/other.yaml',
    'scripts/run.sh',
    'package.json',
  ])('has no place for %s', (path) => {
    expect(findings({ [path]: '{}' })).toEqual([`layout LAYOUT_INVALID bundles/faq/${path}:1`])
  })

  it.each([
    ['manifest.yaml', 'bundle_name: x\n', 'manifest'],
    ['ontology/ontology.yaml', 'language: en\n', 'ontology'],
    ['entities/question.schema.yaml', '- a\n', 'entities'],
    ['entities/question.schema.yaml', 'a: &x 1\n', 'entities'],
    ['policies/security.yaml', 'allowed: all\n', 'policies'],
    ['policies/llm.yaml', 'enabled: maybe\n', 'policies'],
    ['suites/routing.json', '{"suite": 1}', 'suites'],
    ['templates/card.j2', new Uint8Array([0xff]), 'templates'],
    ['templates/card.j2', 'a\r\nb', 'templates'],
    ['templates/card.j2', 'a\u202eb', 'templates'],
    ['metadata/bundle.yaml', 'owner: [x]\n', 'layout'],
    ['values.schema.yaml', 'type: string\n', 'layout'],
    ['documents/a.md', new Uint8Array([0xff]), 'layout'],
    ['README.md', '\ufeff# FAQ\n', 'layout'],
    ['recordings/a.json', '{', 'layout'],
    ['agents/a.yaml', 'a: !x 1\n', 'layout'],
  ])('judges %s %j under its gate', (path, body, gate) => {
    const { bundle, findings: found } = parseBundle(faqBundle({ [path]: body }), 'p/')
    expect(bundle).toBeNull()
    expect(found.length).toBeGreaterThan(0)
    for (const finding of found) expect(finding).toMatchObject({ gate, path: `p/${path}`, severity: 'error' })
  })

  it('reports what is wrong in several files at once', () => {
    const found = findings({ 'manifest.yaml': 'x: 1\n', 'policies/cache.yaml': 'x: 1\n', 'suites/routing.json': '[' })
    expect(new Set(found.map((finding) => finding.split(' ')[0]))).toEqual(new Set(['manifest', 'policies', 'suites']))
  })

  it('leaves sealed/ and bundle_id to the controller, and expects them in what it sealed', () => {
    const id = `bundle_id: b-${'a'.repeat(32)}\n`
    const manifest = `${faqBundle().get('manifest.yaml')?.toString()}${id}`
    expect(findings({ 'sealed/router.bin': 'x' })).toEqual(['layout LAYOUT_INVALID bundles/faq/sealed/router.bin:1'])
    expect(findings({ 'manifest.yaml': manifest })).toEqual(['manifest MANIFEST_INVALID bundles/faq/manifest.yaml:8'])
    const sealed = faqBundle({ 'manifest.yaml': manifest, 'sealed/router.bin': 'x' })
    expect(parseBundle(sealed, '', 'sealed').bundle?.manifest.bundle_id).toBe(`b-${'a'.repeat(32)}`)
    expect(parseBundle(faqBundle(), '', 'sealed').bundle).toBeNull()
  })

  it('is not impressed by too much', () => {
    const many = Object.fromEntries(Array.from({ length: 2_100 }, (_, at) => [`templates/t${at}.j2`, 'x']))
    expect(findings(many)).toEqual(['layout FILE_TOO_LARGE bundles/faq/:1'])
  })
})
