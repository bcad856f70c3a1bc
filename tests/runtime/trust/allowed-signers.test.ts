import { beforeAll, describe, expect, it } from 'vitest'
import { formatAllowedSigner, parseAllowedSigners, principalFor } from '../../../runtime/trust/allowed-signers.ts'
import { stockKey } from '../../support/ssh-keygen.ts'

const path = 'governance/allowed_signers'
let key: string
let other: string
let rsa: string
beforeAll(async () => {
  ;[key, other, rsa] = await Promise.all([
    stockKey('ed25519').then(({ publicKey }) => publicKey),
    stockKey('ed25519').then(({ publicKey }) => publicKey),
    stockKey('rsa', { bits: 2048 }).then(({ publicKey }) => publicKey),
  ])
})

const now = new Date('2026-06-01T00:00:00Z')

describe('a line of allowed_signers', () => {
  it('names who signs with a key, for its namespaces only', () => {
    const text = `# people\n\nben namespaces="contractor-approval,git" ${key} ben@laptop\n`
    const { signers, findings } = parseAllowedSigners(text, path)
    expect(findings).toEqual([])
    expect(principalFor(signers, key, 'contractor-approval', now)).toBe('ben')
    expect(principalFor(signers, key, 'git', now)).toBe('ben')
    expect(principalFor(signers, key, 'contractor-root', now)).toBeNull()
    expect(principalFor(signers, other, 'git', now)).toBeNull()
  })

  it('counts from valid-after until just before valid-before, in UTC', () => {
    const options = 'namespaces="git",valid-after="20260101Z",valid-before="20260701120000Z"'
    const { signers, findings } = parseAllowedSigners(`ben ${options} ${key}\n`, path)
    expect(findings).toEqual([])
    const at = (time: string) => principalFor(signers, key, 'git', new Date(time))
    expect(at('2025-12-31T23:59:59Z')).toBeNull()
    expect(at('2026-01-01T00:00:00Z')).toBe('ben')
    expect(at('2026-07-01T11:59:59Z')).toBe('ben')
    expect(at('2026-07-01T12:00:00Z')).toBeNull()
  })

  it('is read back as it was formatted', () => {
    const text = formatAllowedSigner({ principal: 'ben@acme.example', namespaces: ['git'], key })
    expect(parseAllowedSigners(text, path).signers).toEqual([
      { principal: 'ben@acme.example', namespaces: ['git'], validAfter: null, validBefore: null, key },
    ])
  })
})

describe('what ssh-keygen would read too generously', () => {
  const lines: [string, () => string, number][] = [
    ['no namespaces', () => `ben ${key}`, 5],
    ['an option beside namespaces missing', () => `ben valid-before="20270101Z" ${key}`, 5],
    ['a pattern for a principal', () => `*@acme.example namespaces="git" ${key}`, 1],
    ['two principals', () => `ben,ana namespaces="git" ${key}`, 1],
    ['a quoted principal', () => `"ben" namespaces="git" ${key}`, 1],
    ['a negated principal', () => `!ben namespaces="git" ${key}`, 1],
    ['a certificate authority', () => `ben cert-authority,namespaces="git" ${key}`, 5],
    ['a pattern for a namespace', () => `ben namespaces="*" ${key}`, 5],
    ['an empty namespace', () => `ben namespaces="" ${key}`, 5],
    ['namespaces twice', () => `ben namespaces="git",namespaces="file" ${key}`, 22],
    ['a local time', () => `ben namespaces="git",valid-before="20270101" ${key}`, 22],
    ['a day that does not exist', () => `ben namespaces="git",valid-before="20270230Z" ${key}`, 22],
    ['an RSA key', () => `ben namespaces="git" ${rsa}`, 22],
    ['a key that is cut', () => `ben namespaces="git" ${key.slice(0, -4)}`, 22],
    [
      'a type that is not the key’s',
      () => `ben namespaces="git" ${key.replace('ssh-ed25519', 'sk-ssh-ed25519@openssh.com')}`,
      22,
    ],
    ['no key', () => 'ben namespaces="git"', 21],
    ['only a name', () => 'ben', 4],
    ['a quote without its end', () => `ben namespaces="git ${key}`, 16],
    ['a carriage return at its end', () => `ben namespaces="git" ${key}\r`, 102],
    ['a comma at the end of the options', () => `ben namespaces="git", ${key}`, 5],
    ['an upper-case option', () => `ben NAMESPACES="git" ${key}`, 5],
  ]
  it.each(lines)('is a finding with its place: %s', (_what, line, column) => {
    const { signers, findings } = parseAllowedSigners(`# first line\n${line()}\n`, path)
    expect(signers).toEqual([])
    expect(findings).toMatchObject([{ code: 'FILE_INVALID', severity: 'error', path, line: 2, column }])
  })

  it('is a finding when one key belongs to two people, or stands twice for one purpose', () => {
    const two = `ben namespaces="git" ${key}\nana namespaces="contractor-approval" ${key}\n`
    expect(parseAllowedSigners(two, path).findings).toMatchObject([{ line: 2 }])
    const twice = `ben namespaces="git" ${key}\nben namespaces="git" ${key}\n`
    expect(parseAllowedSigners(twice, path).findings).toMatchObject([{ line: 2 }])
    const apart = `ben namespaces="git" ${key}\nben namespaces="contractor-approval" ${key}\n`
    expect(parseAllowedSigners(apart, path).findings).toEqual([])
  })

  it('keeps the lines that are right beside those that are not', () => {
    const { signers, findings } = parseAllowedSigners(`ana ${other}\nben namespaces="git" ${key}\n`, path)
    expect(signers.map(({ principal }) => principal)).toEqual(['ben'])
    expect(findings).toHaveLength(1)
  })
})
