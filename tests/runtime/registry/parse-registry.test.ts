import { describe, expect, it } from 'vitest'
import { parseRegistry } from '../../../runtime/registry/parse-registry.ts'

const digest = `sha256:${'a'.repeat(64)}`
const SIGNATURE = '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n'
const FILES: Record<string, string> = {
  'registry.yaml': 'registry: acme\nruntime: { version: 1.0.0 }\ncompiler: 1\n',
  'governance/roles.yaml': 'principals: [{ id: ben, name: Ben, emails: [] }]\nroles: []\n',
  'governance/allowed_signers':
    'ben namespaces="git,contractor-approval" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGwJWFAWqOVSNUKDi6OSLSJA4CyC1mmDqlSckGt1vqH0\n',
  'tenants/acme/tenant.yaml': 'status: active\n',
  'tenants/acme/keys.yaml': 'keys: []\n',
  'tenants/acme/values.yaml': 'phone: "0800"\n',
  'tenants/acme/aliases/current.yaml': `bundle: faq\nversion: 1.0.0\ndigest: ${digest}\n`,
  [`tenants/acme/approvals/current/${'a'.repeat(12)}.ben.sig`]: SIGNATURE,
  'tenants/globex/tenant.yaml': 'status: suspended\n',
  'bundles/faq/manifest.yaml': 'ignored here',
  'README.md': '# the team’s own\n',
  'docs/anything.bin': '\0',
}

function parse(changes: Record<string, string | null> = {}) {
  const files = Object.entries({ ...FILES, ...changes }).flatMap(([path, text]) =>
    text === null ? [] : [[path, Buffer.from(text)] as const],
  )
  return parseRegistry(new Map(files))
}

describe('a registry', () => {
  it('is read whole', () => {
    const { registry, governance, tenants, bundles, malformed, findings } = parse()
    expect(findings).toEqual([])
    expect(registry).toMatchObject({ registry: 'acme', gates: 1 })
    expect(governance).toMatchObject({
      roles: { principals: [{ id: 'ben' }] },
      signers: [{ principal: 'ben' }],
      revoked: [],
      floors: {},
    })
    expect([...tenants.keys()]).toEqual(['acme', 'globex'])
    expect(tenants.get('acme')).toMatchObject({
      tenant: { status: 'active', max_staleness: 'PT1H' },
      keys: [],
      values: { phone: '0800' },
      aliases: { current: { digest } },
      approvals: [{ alias: 'current', digest12: 'a'.repeat(12), principal: 'ben', signature: SIGNATURE }],
      findings: [],
    })
    expect([...bundles]).toEqual(['faq'])
    expect([...malformed]).toEqual([])
  })

  it.each(['registry.yaml', 'governance/roles.yaml', 'governance/allowed_signers'])('misses %s', (path) => {
    const { findings, malformed } = parse({ [path]: null })
    expect(findings).toMatchObject([{ path, code: 'FILE_INVALID', severity: 'error' }])
    expect([...malformed]).toEqual([])
  })

  it.each([
    ['registry.yaml', 'registry: [x]\n'],
    ['governance/roles.yaml', 'roles: []\n'],
    ['governance/allowed_signers', '* ssh-rsa AAAA\n'],
    ['governance/allowed_signers', '\0'],
    ['governance/revoked.yaml', 'revoked: all\n'],
    ['governance/policies/security.yaml', 'max_input_chars: many\n'],
    ['governance/policies/unknown.yaml', 'x: 1\n'],
  ])('tells %s %j, which is malformed, from one that is absent', (path, text) => {
    const { findings, malformed, tenants } = parse({ [path]: text })
    expect(findings.length).toBeGreaterThan(0)
    expect([...malformed]).toEqual([path])
    expect(tenants.get('acme')?.findings).toEqual([])
  })

  it('reads floors', () => {
    const { governance } = parse({
      'governance/policies/security.yaml': 'tenants: { tier: gold }\nmax_input_chars: 100\n',
    })
    expect(governance.floors).toEqual({ security: { tenants: { tier: 'gold' }, rules: { max_input_chars: 100 } } })
  })

  it('has no bundle of a name that is none', () => {
    expect(parse({ 'bundles/FAQ 2/manifest.yaml': 'x' }).findings).toMatchObject([{ path: 'bundles/FAQ 2' }])
  })
})

describe('one malformed tenant', () => {
  it.each([
    ['tenant.yaml', 'status: on\n', { tenant: null }],
    ['keys.yaml', 'keys: [x]\n', { keys: null }],
    ['values.yaml', '- x\n', { values: null }],
    ['aliases/current.yaml', 'bundle: faq\n', { aliases: {} }],
    ['aliases/draft.yaml', '\t', {}],
    [`approvals/current/${'a'.repeat(12)}.ben.sig`, 'hello', { approvals: [] }],
    ['approvals/current/short.ben.sig', SIGNATURE, {}],
    ['approvals/production/aaaaaaaaaaaa.ben.sig', SIGNATURE, {}],
  ])('with a broken %s is a finding there, and leaves all else as it is', (file, text, result) => {
    const path = `tenants/acme/${file}`
    const { tenants, findings } = parse({ [path]: text })
    const acme = tenants.get('acme')
    expect(acme).toMatchObject(result)
    expect([...(acme?.malformed ?? [])]).toEqual([file])
    expect(new Set(acme?.findings.map((finding) => finding.path))).toEqual(new Set([path]))
    expect(findings).toEqual([])
    expect(tenants.get('globex')).toEqual(parse().tenants.get('globex'))
  })

  it('without tenant.yaml is a finding, not a deletion', () => {
    const acme = parse({ 'tenants/acme/tenant.yaml': null }).tenants.get('acme')
    expect(acme).toMatchObject({ tenant: null, findings: [{ path: 'tenants/acme/tenant.yaml' }] })
    expect(acme?.malformed.size).toBe(0)
  })

  it('whose name is none is a finding', () => {
    expect(parse({ 'tenants/Acme!/tenant.yaml': 'status: active\n' }).tenants.get('Acme!')?.findings).toHaveLength(1)
  })

  it.each([
    ['aliases/curent.yaml', true],
    ['aliases/production.yaml', true],
    ['tenant.yml', true],
    ['keys.yam', false],
    ['notes.md', false],
    ['README', false],
  ])('is told of %s: %s', (file, told) => {
    expect(parse({ [`tenants/acme/${file}`]: 'x' }).tenants.get('acme')?.findings).toHaveLength(told ? 1 : 0)
  })
})
