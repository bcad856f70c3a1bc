import { describe, expect, it } from 'vitest'
import type { ParsedFile } from '../../../schemas/parse-file.ts'
import { parseAlias } from '../../../schemas/registry/alias.ts'
import { parseFloor } from '../../../schemas/registry/floor.ts'
import { parseRoles } from '../../../schemas/registry/governance.ts'
import { parseManifest } from '../../../schemas/registry/manifest.ts'
import { parseOntology } from '../../../schemas/registry/ontology.ts'
import { parsePolicy } from '../../../schemas/registry/policies.ts'
import { parseRegistryFile } from '../../../schemas/registry/registry.ts'
import { parseSuite } from '../../../schemas/registry/suite.ts'
import { parseKeys, parseTenantFile, parseValuesSchema } from '../../../schemas/registry/tenant.ts'
import { cpuTime } from '../../support/cpu-time.ts'

const bytes = (text: string) => Buffer.from(text)
const places = ({ findings }: ParsedFile<unknown>) => findings.map(({ line, column }) => [line, column])

describe('what is left out', () => {
  it('of a tenant is filled in', () => {
    const { value } = parseTenantFile(bytes('status: active\n'), 'x')
    expect(value).toEqual({ status: 'active', labels: {}, limits: {}, quota: {}, max_staleness: 'PT1H' })
  })

  it('of a registry is filled in by what is strictest in DESIGN', () => {
    const { value } = parseRegistryFile(bytes('registry: acme\nruntime: { version: 1.0.0 }\ncompiler: 1\n'), 'x')
    expect(value).toEqual({
      registry: 'acme',
      runtime: { version: '1.0.0' },
      compiler: 1,
      gates: 1,
      policies: { required: ['security', 'rate_limit', 'redaction'] },
      promotion: { candidate: { approvals: 0 }, current: { from: 'candidate', approvals: 1 } },
      rollback: { approvals: 0, within: 'P30D' },
      changes: { governance: 'owners', keys: 0, limits: 0, unsuspend: 'owners', unrevoke: 'owners' },
    })
  })

  it('of the rule for current is the stage before it', () => {
    const text = 'registry: a\nruntime: { version: 1.0.0 }\ncompiler: 1\npromotion: { current: { approvals: 2 } }\n'
    expect(parseRegistryFile(bytes(text), 'x').value?.promotion.current).toEqual({ from: 'candidate', approvals: 2 })
  })

  it('of a security policy, a floor and an intent is filled in', () => {
    const security = parsePolicy('security', bytes("allowed_intents: ['*']\nmax_input_chars: 9\n"), 'x').value
    expect(security?.allowed_aliases).toEqual(['current', 'candidate'])
    expect(parseFloor('security', bytes('max_input_chars: 9\n'), 'x').value).toEqual({
      tenants: {},
      rules: { max_input_chars: 9 },
    })
    expect(parseOntology(bytes(ONTOLOGY), 'x').value?.intents[0]?.utterances).toEqual([])
  })
})

const ONTOLOGY = `language: en
normalization: { fold_accents: true, stemmer: english }
intents:
  - name: fallback
    title: None
routing: { threshold: 0.3, input: question, question: question, output: answer }
fallback: fallback
`

describe('an alias', () => {
  it.each(['candidate', 'current'] as const)('%s needs its digest', (alias) => {
    expect(parseAlias(bytes('bundle: faq\nversion: 1.0.0\n'), 'x', alias).value).toBeNull()
  })

  it.each([
    'v1.0.0',
    '^1.0.0',
    '1.0',
    '"1.0"',
    '1.0.0+build',
    '01.0.0',
    '1.0.x',
    'latest',
    '1.0.0-x.lock',
    '"1.0.0\\nevil"',
  ])('pins no version %s', (version) => {
    expect(parseAlias(bytes(`bundle: faq\nversion: ${version}\n`), 'x', 'draft').value).toBeNull()
  })

  it.each(['../faq', 'Faq', 'faq_1', '-faq', '""', 'x'.repeat(64), 'ｆaq'])('names no bundle %s', (bundle) => {
    expect(parseAlias(bytes(`bundle: ${bundle}\nversion: 1.0.0\n`), 'x', 'draft').value).toBeNull()
  })

  it('with a slip in a key is told what was meant, at the key', () => {
    const parsed = parseAlias(bytes('bundle: faq\nversoin: 1.0.0\n'), 'x', 'draft')
    const slip = parsed.findings.find(({ line }) => line === 2)
    expect(slip).toMatchObject({ column: 1, hint: expect.stringContaining('"version"') })
  })
})

describe('roles', () => {
  const roles = (principals: string, members: string) =>
    parseRoles(
      bytes(
        `principals:\n${principals}roles:\n  - name: owners\n    members: [${members}]\n    approve: { aliases: [], tenants: [] }\n`,
      ),
      'x',
    )
  const ana = '  - { id: ana, name: Ana, emails: [ana@x.example] }\n'

  it('name members who exist', () => {
    expect(roles(ana, 'ana').value).not.toBeNull()
    expect(places(roles(ana, 'ana, ben'))).toEqual([[5, 20]])
  })

  it('give an address to one principal only, whatever its case', () => {
    expect(places(roles(`${ana}  - { id: ben, name: Ben, emails: [ANA@x.example] }\n`, 'ana'))).toEqual([[3, 36]])
  })

  it('name every principal once', () => {
    expect(places(roles(ana + ana, 'ana'))).toEqual([[3, 11]])
  })
})

describe('keys', () => {
  it('are told apart by id and by hash', () => {
    const key = (id: string, digit: string) => `  - { id: ${id}, sha256: ${digit.repeat(64)}, scopes: [execute] }\n`
    expect(parseKeys(bytes(`keys:\n${key('a', 'a')}${key('b', 'b')}`), 'x').value?.keys).toHaveLength(2)
    expect(parseKeys(bytes(`keys:\n${key('a', 'a')}${key('a', 'b')}`), 'x').value).toBeNull()
    expect(parseKeys(bytes(`keys:\n${key('a', 'a')}${key('b', 'a')}`), 'x').value).toBeNull()
  })

  it('that were pasted where a hash belongs are not repeated in the finding', () => {
    const secret = `ctr_acme_web_${'5'.repeat(64)}`
    const { findings } = parseKeys(bytes(`keys:\n  - { id: web, sha256: ${secret}, scopes: [execute] }\n`), 'x')
    expect(findings).not.toEqual([])
    expect(JSON.stringify(findings)).not.toContain('5555')
  })
})

describe('a registry', () => {
  const registry = (rest: string) =>
    parseRegistryFile(bytes(`registry: acme\nruntime: { version: 1.0.0 }\ncompiler: 1\n${rest}`), 'x')
  const freeze = (from: string, to: string, zone = 'UTC') =>
    registry(
      `promotion: { current: { approvals: 1, freeze: [{ days: [fri], from: "${from}", to: "${to}", timezone: ${zone} }] } }\n`,
    )

  it('may require more policies, never fewer', () => {
    expect(registry('policies: { required: [security, rate_limit, redaction, cache] }\n').value).not.toBeNull()
    expect(registry('policies: { required: [security, rate_limit, cache] }\n').value).toBeNull()
  })

  it('takes no alias from itself', () => {
    expect(registry('promotion: { current: { from: current, approvals: 1 } }\n').value).toBeNull()
  })

  it.each([
    ['16:00', '24:00', 'America/Sao_Paulo', true],
    ['00:00', '00:01', 'UTC', true],
    ['22:00', '06:00', 'UTC', false],
    ['10:00', '10:00', 'UTC', false],
    ['24:00', '24:00', 'UTC', false],
    ['9:00', '10:00', 'UTC', false],
    ['16:00', '17:00', 'Mars/Phobos', false],
  ])('freezes from %s to %s in %s: %s', (from, to, zone, allowed) => {
    expect(freeze(from, to, zone).value !== null).toBe(allowed)
  })
})

describe('a manifest', () => {
  const manifest = (rest: string) =>
    `bundle_name: faq\nbundle_version: 1.0.0\ncreated_at: 2026-03-02T09:00:00Z\ncreated_by: ana\ndescription: x\n${rest}`

  it('leaves bundle_id to the controller', () => {
    const sealed = bytes(manifest(`runtime_compatibility: { min_version: 1.0.0 }\nbundle_id: b-${'a'.repeat(32)}\n`))
    expect(places(parseManifest(sealed, 'x', 'source'))).toEqual([[7, 1]])
    expect(parseManifest(sealed, 'x', 'sealed').value?.bundle_id).toBe(`b-${'a'.repeat(32)}`)
    const source = bytes(manifest('runtime_compatibility: { min_version: 1.0.0 }\n'))
    expect(parseManifest(source, 'x', 'sealed').value).toBeNull()
  })

  it('has a max_version that is not below its min_version', () => {
    const text = manifest('runtime_compatibility: { min_version: 2.0.0, max_version: 1.9.9 }\n')
    expect(parseManifest(bytes(text), 'x', 'source').findings).toMatchObject([
      { code: 'MANIFEST_INVALID', line: 6, column: 59 },
    ])
  })
})

describe('a redaction rule', () => {
  it.each(['(a', 'a*', '(?<=a)b', '(a)\\1', '[z-a]', 'a{2000}'])('is no pattern such as %s', (pattern) => {
    const text = `rules:\n  - { name: a, pattern: '${pattern}', replacement: '' }\n`
    expect(parsePolicy('redaction', bytes(text), 'x').findings).toMatchObject([{ code: 'POLICY_INVALID', line: 2 }])
    expect(parseFloor('redaction', bytes(text), 'x').value).toBeNull()
  })
})

describe('a schema of values', () => {
  const schema = (property: string) =>
    parseValuesSchema(bytes(`type: object\nadditionalProperties: false\nproperties:\n  phone: ${property}\n`), 'x')

  it.each([
    ['{ type: string, default: "0800" }', true],
    ['{ type: array, items: { type: string }, maxItems: 3, default: [] }', true],
    ['{ type: object, properties: { a: { type: string } }, additionalProperties: false, default: {} }', true],
    ['{ type: string }', false],
    ['{ type: integer, default: "1" }', false],
    ['{ type: array, default: {} }', false],
    ['{ default: 1 }', false],
    ['{ type: string, default: x, $ref: "http://x" }', false],
    ['{ type: string, default: x, minLenght: 3 }', false],
  ])('may say %s: %s', (property, allowed) => {
    expect(schema(property).value !== null).toBe(allowed)
  })
})

describe('many mistakes', () => {
  it('give fifty findings at most, and say that there are more', () => {
    const cases = Array.from({ length: 500 }, (_, i) => ({ name: `c${i}`, input: {}, expect: {} }))
    const { findings } = parseSuite(bytes(JSON.stringify({ suite: 's', kind: 'routing', cases }, null, 1)), 'x')
    expect(findings).toHaveLength(50)
    expect(findings.map(({ line }) => line)).toEqual(findings.map(({ line }) => line).sort((a, b) => a - b))
  })

  it('in a large suite take no more than 2 s', () => {
    const cases = Array.from({ length: 190_000 }, () => 1)
    const spent = cpuTime()
    expect(parseSuite(bytes(JSON.stringify({ suite: 's', kind: 'routing', cases })), 'x').value).toBeNull()
    expect(spent()).toBeLessThan(3_000)
  })
})
