import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import { findSecrets } from '../../../controller/gates/secret-scan.ts'
import { PACKAGE_ROOT } from '../../../schemas/package-root.ts'
import { CANARIES, PEM_KEY, SERVICE_ACCOUNT } from '../../fixtures/canary-secrets.ts'
import { faq, RULES } from '../../support/scaffold.ts'

const scan = (path: string, text: string) => findSecrets(new Map([[path, Buffer.from(text)]]))

describe('the scanner', () => {
  it.each(CANARIES)('finds $what, wherever it stands', ({ secret }) => {
    const places = [
      ['documents/note.md', `# Keys\n\nUse ${secret} for now.\n`, 3, 5],
      ['ontology/ontology.yaml', `facts:\n  key: (${secret})\n`, 2, 9],
      ['suites/golden.json', `{\n  "key": "(${secret})"\n}\n`, 2, 12],
      ['templates/contact.j2', `${secret}\n`, 1, 1],
    ] as const
    for (const [path, text, line, column] of places)
      expect(scan(path, text)).toEqual([{ path, line, column, kind: expect.any(String) }])
  })

  it.each(PEM_KEY)('finds a private key: $what', ({ text }) => {
    expect(scan('documents/key.md', `A key:\n\n${text}\n`)).toMatchObject([{ line: 3, column: 1 }])
    expect(scan('suites/golden.json', JSON.stringify({ key: text }))).toMatchObject([{ line: 1 }])
  })

  it('finds the key file of a service account', () => {
    expect(scan('recordings/account.json', SERVICE_ACCOUNT)).toMatchObject([{ line: 1, column: 1 }])
  })

  it('finds each of many, in the order of paths and places', () => {
    const [first, second] = CANARIES
    const files = new Map([
      ['documents/b.md', Buffer.from(`${first!.secret} and ${second!.secret}\n${first!.secret}\n`)],
      ['documents/a.md', Buffer.from(second!.secret)],
    ])
    const places = findSecrets(files).map(({ path, line }) => `${path}:${line}`)
    expect(places).toEqual(['documents/a.md:1', 'documents/b.md:1', 'documents/b.md:1', 'documents/b.md:2'])
    expect(findSecrets(new Map([...files].reverse()))).toEqual(findSecrets(files))
  })

  it.each(['secretlint-disable', 'secretlint-disable-line', 'secretlint-disable-next-line'])(
    'takes no orders from a bundle: %s',
    (order) => {
      const { secret } = CANARIES[0]!
      expect(scan('documents/note.md', `<!-- ${order} -->\n${secret} <!-- ${order} -->\n`)).toHaveLength(1)
    },
  )

  it.each([
    'The account: 123456789012 is yours.',
    'Write to https://example.org/user:pass or mailto:ana@example.org.',
    'sha256:dbef63a4550e7d3a9b3c1b8a24d1a2f9c9e3b4d5f60718293a4b5c6d7e8f9012',
    'AKIAIOSFODNN7EXAMPLE is the key of the manual.',
    '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
    'Never send us your password: we know your npm_token by other means.',
  ])('leaves alone what is no secret: %s', (text) => {
    expect(scan('documents/note.md', text)).toEqual([])
  })

  it('finds nothing in the examples of this package', () => {
    const root = join(PACKAGE_ROOT, 'example-registry/bundles')
    const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const files = new Map(
      names.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))] as const),
    )
    expect(files.size).toBeGreaterThan(50)
    expect(findSecrets(files)).toEqual([])
  })

  it.each([
    ['a mebibyte of one key after the other', 'AKIA1234567890ABCDEF '],
    ['a mebibyte of beginnings of private keys', '-----BEGIN PRIVATE KEY-----\n'],
    ['a mebibyte of schemes', 'https://'],
    ['a mebibyte of tokens that never end', 'xoxb-a-a-a-'],
    ['a mebibyte of database addresses', 'mysql://a:b'],
    ['a mebibyte of web tokens', 'eyJaaaaaaaaaaaa.'],
  ])('is quick about %s', (_, part) => {
    const since = process.cpuUsage()
    scan('documents/note.md', part.repeat(Math.floor(2 ** 20 / part.length)))
    const { user, system } = process.cpuUsage(since)
    expect((user + system) / 1_000).toBeLessThan(1_500)
  })
})

describe('the gate of secrets', () => {
  it('refuses a bundle at the place, and never repeats the secret', () => {
    for (const { secret } of CANARIES) {
      const files = faq({ 'documents/note.md': `one\ntwo ${secret}\n` })
      const { report } = judgeBundle({ files, name: 'faq', rules: RULES, sealed: [], previous: null })
      expect(report.verdict).toBe('fail')
      expect(report.ran).toContainEqual({ gate: 'secrets', verdict: 'fail' })
      const place = { path: 'bundles/faq/documents/note.md', line: 2, column: 5, severity: 'error' }
      expect(report.findings).toMatchObject([{ gate: 'secrets', code: 'SECRET_FOUND', ...place }])
      for (const half of [secret.slice(0, secret.length / 2), secret.slice(secret.length / 2)])
        expect(JSON.stringify(report.findings)).not.toContain(half)
    }
  })

  it('looks also where the bundle is too broken for the others', () => {
    const files = faq({ 'manifest.yaml': `{ ${CANARIES[0]!.secret}`, 'ontology/ontology.yaml': null })
    const { report } = judgeBundle({ files, name: 'faq', rules: RULES, sealed: [], previous: null })
    expect(report.findings.map(({ code }) => code)).toContain('SECRET_FOUND')
  })

  it('names the first fifty of many', () => {
    const files = faq({ 'documents/note.md': `${CANARIES[0]!.secret}\n`.repeat(200) })
    const { report } = judgeBundle({ files, name: 'faq', rules: RULES, sealed: [], previous: null })
    const found = report.findings.filter(({ gate }) => gate === 'secrets')
    expect(found).toHaveLength(50)
    expect(found.at(-1)!.message).toContain('more')
  })
})
