import { chmod, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { CheckResult } from '../../../controller/cli/judge/check-result.ts'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { openAuthorClone, faqFiles, type AuthorClone } from '../../support/author-clone.ts'
import { faq } from '../../support/scaffold.ts'
import { aliasFile } from '../../support/test-registry.ts'

const NEXT = {
  'manifest.yaml': (text: string) => text.replace('0.1.0', '0.2.0'),
  'templates/contact.j2': 'Write to {{ facts.email }}.\n',
  'suites/golden.json': (text: string) => text.replace(' We answer within 24 hours.', ''),
}
const sed = (from: string, to: string) => (text: string) => text.replace(from, to)
const nextDigest = compileBundle(faq(NEXT), 1).digest

let clone: AuthorClone
beforeAll(async () => {
  clone = await openAuthorClone()
}, 60_000)
afterAll(() => clone.close())
afterEach(() => clone.git('git reset -q --hard origin/main && git clean -qfd'))

async function check(options: Record<string, string | boolean | string[]> = {}) {
  const { code, out, err } = await clone.run('check', [], { json: true, base: 'origin/main', ...options })
  return { code, err, result: JSON.parse(out) as CheckResult }
}

const codes = ({ findings }: CheckResult) => findings.map(({ code, severity, path }) => ({ code, severity, path }))

describe('contractor check', () => {
  it('finds nothing to say where nothing changed', async () => {
    const { code, result } = await check()
    expect(code).toBe(0)
    expect(result).toMatchObject({ verdict: 'pass', findings: [], bundles: [], merge: { decisions: [] } })
  })

  it('judges the whole registry without a base', async () => {
    const { code, out } = await clone.run('check', [], { json: true })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ bundles: [{ bundle: 'faq', version: '0.1.0', digest: clone.digest }] })
  })

  it('says of a new version its digest, what it answers otherwise, and that it will be sealed', async () => {
    await clone.write(faqFiles(NEXT))
    const { code, result } = await check()
    expect(code).toBe(0)
    expect(result.bundles).toMatchObject([{ bundle: 'faq', version: '0.2.0', digest: nextDigest, verdict: 'pass' }])
    expect(result.behaviour).toMatchObject([{ bundle: 'faq', from: '0.1.0', to: '0.2.0' }])
    expect(result.behaviour[0]!.behaviour.counts.output).toBeGreaterThan(0)
    expect(result.merge?.decisions).toMatchObject([{ subject: 'bundles/faq/0.2.0', reason_code: 'SEALED' }])
  })

  it('refuses new content under a sealed version, at the line of the version', async () => {
    await clone.write({ 'bundles/faq/README.md': 'Other words.\n' })
    const { code, result } = await check()
    expect(code).toBe(1)
    expect(result.findings).toMatchObject([
      { code: 'VERSION_NOT_BUMPED', path: 'bundles/faq/manifest.yaml', line: 2, severity: 'error' },
    ])
  })

  it('refuses a breaking change without a new MAJOR, against the version that is sealed', async () => {
    const narrowed = { 'entities/question.schema.yaml': sed('maxLength: 500', 'maxLength: 50') }
    await clone.write(faqFiles({ 'manifest.yaml': sed('0.1.0', '0.1.1'), ...narrowed }))
    const { code, result } = await check()
    expect(code).toBe(1)
    expect(codes(result)).toEqual([
      { code: 'BREAKING_CHANGE', severity: 'error', path: 'bundles/faq/entities/question.schema.yaml' },
    ])
  })

  it('names who must still approve a promotion, and fails only where approvals are required', async () => {
    const pinned = aliasFile('faq', '0.2.0', nextDigest)
    await clone.write({
      ...faqFiles(NEXT),
      'tenants/acme/aliases/candidate.yaml': pinned,
      'tenants/acme/aliases/current.yaml': pinned,
    })
    const { code, result } = await check()
    expect(codes(result)).toEqual([
      { code: 'APPROVAL_MISSING', severity: 'warning', path: 'tenants/acme/aliases/current.yaml' },
    ])
    expect(code).toBe(0)
    expect(result.merge?.decisions).toMatchObject([
      { subject: 'bundles/faq/0.2.0', decision: 'allow' },
      { subject: 'acme/candidate', decision: 'allow', from: { version: '0.1.0' }, to: { version: '0.2.0' } },
      { subject: 'acme/current', decision: 'deny', approvals: { needed: 1, approved: [], missing: 1, may: ['ben'] } },
    ])
    expect(result.behaviour).toMatchObject([{ from: '0.1.0', to: '0.2.0', tenants: ['acme'] }])
    expect((await check({ requireApprovals: true })).code).toBe(1)
  })

  it('refuses a promotion that the controller would refuse', async () => {
    await clone.write({ 'tenants/acme/aliases/current.yaml': aliasFile('faq', '0.1.0', `sha256:${'0'.repeat(64)}`) })
    const { code, result } = await check()
    expect(code).toBe(1)
    expect(codes(result)).toEqual([
      { code: 'DIGEST_MISMATCH', severity: 'error', path: 'tenants/acme/aliases/current.yaml' },
    ])
  })

  it('refuses to remove an active tenant', async () => {
    await clone.git('git rm -rq tenants/acme')
    const { code, result } = await check()
    expect(code).toBe(1)
    expect(codes(result)).toEqual([{ code: 'TENANT_ACTIVE', severity: 'error', path: 'tenants/acme/tenant.yaml' }])
  })

  it('judges what stands on the base beside the branch, as a merge would', async () => {
    await clone.write({ 'bundles/faq/README.md': 'On the branch.\n' })
    await clone.git('git add -A && git commit -qm branch')
    const file = await readFile(join(clone.root, 'bundles/faq/manifest.yaml'), 'utf8')
    await clone.git('git switch -q -C other origin/main')
    await clone.write({ 'bundles/faq/manifest.yaml': file.replace('0.1.0', '0.2.0') })
    await clone.git('git commit -qam base && git switch -q work')
    const { result } = await check({ base: 'other' })
    expect(result.bundles).toMatchObject([{ version: '0.2.0', verdict: 'pass' }])
  })

  it('judges the values of a tenant with the bundle that it runs', async () => {
    await clone.write({ 'tenants/acme/values.yaml': 'phone: 0800 1\n' })
    const { code, result } = await check()
    expect(code).toBe(1)
    expect(result.findings).toMatchObject([
      { gate: 'values', code: 'FILE_INVALID', severity: 'error', path: 'tenants/acme/values.yaml' },
    ])
  })

  it('refuses links and executable files, which a merge would keep', async () => {
    await symlink('/etc/passwd', join(clone.root, 'bundles/faq/documents.md'))
    await chmod(join(clone.root, 'bundles/faq/manifest.yaml'), 0o755)
    const { code, result } = await check()
    expect(code).toBe(1)
    expect(codes(result).filter((finding) => finding.code === 'PATH_INVALID')).toHaveLength(2)
  })

  it('finds what is wrong in any file that the branch changes, and in no other', async () => {
    await clone.write({ 'tenants/acme/tenant.yaml': 'status: asleep\n', 'tenants/acme/notes.md': 'ours\n' })
    const { code, result } = await check()
    expect(code).toBe(1)
    expect(new Set(codes(result).map(({ path }) => path))).toEqual(new Set(['tenants/acme/tenant.yaml']))
  })

  it('says without a pinned root what it can, and promises nothing about tenants', async () => {
    await clone.git('git config --unset contractor.trust')
    await clone.write({ 'bundles/faq/README.md': 'Other words.\n' })
    const { code, result } = await check()
    await clone.git(`git config contractor.trust ${join(clone.registry.folder, 'root.json')}`)
    expect(code).toBe(1)
    expect(result.merge).toBeNull()
    expect(codes(result)).toMatchObject([{ code: 'VERSION_NOT_BUMPED' }])
  })

  it('believes nothing of a live that the pinned root did not sign', async () => {
    const { code, result } = await check({ trust: await rootOfAnother() })
    expect(code).toBe(1)
    expect(result).toMatchObject({ error: { reason_code: 'UNTRUSTED' } })
  })

  it.each([
    ['an unknown format', { format: 'yaml' }],
    ['a file whose ending says no format', { write: ['report.txt'] }],
    ['a base that git does not know', { base: 'origin/nowhere' }],
  ])('ends with 2 for %s', async (_what, options) => {
    expect((await clone.run('check', [], options)).code).toBe(2)
  })

  it('ends with 3 where origin does not answer', async () => {
    await clone.git('git remote set-url origin http://127.0.0.1:1/registry.git')
    const { code } = await clone.run('check', [], {})
    await clone.git(`git remote set-url origin ${clone.registry.location}`)
    expect(code).toBe(3)
  })
})

async function rootOfAnother(): Promise<string> {
  const path = join(clone.root, '.git', 'other-root.json')
  const { keys, ...rest } = clone.registry.root as unknown as { keys: string[] }
  void keys
  const other = { ...rest, keys: [clone.registry.people.cora.publicKey] }
  await import('node:fs/promises').then(({ writeFile }) => writeFile(path, JSON.stringify(other)))
  return path
}
