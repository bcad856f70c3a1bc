import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compileBundle } from '../../../runtime/bundle/compile.ts'
import { openAuthorClone, faqFiles, type AuthorClone } from '../../support/author-clone.ts'
import { serveGit, type GitServer } from '../../support/git-http-server.ts'
import { runRealLoop, type RealLoop } from '../../support/real-loop.ts'
import { faq } from '../../support/scaffold.ts'
import { aliasFile } from '../../support/test-registry.ts'

const NEXT = {
  'manifest.yaml': (text: string) => text.replace('0.1.0', '0.2.0'),
  'templates/contact.j2': 'Write to {{ facts.email }}.\n',
  'suites/golden.json': (text: string) => text.replace(' We answer within 24 hours.', ''),
}
const { digest } = compileBundle(faq(NEXT), 1)

describe('contractor approve, over HTTP,', { timeout: 120_000 }, () => {
  let clone: AuthorClone
  let http: GitServer
  let loop: RealLoop | null = null

  beforeAll(async () => {
    clone = await openAuthorClone()
    http = await serveGit({ root: clone.registry.folder })
    await clone.git(`git remote set-url origin ${http.url}/registry.git`)
  }, 60_000)
  afterAll(async () => {
    await http.close()
    await clone.close()
  })
  beforeEach(() => clone.git('git fetch -q origin && git switch -q work && git reset -q --hard origin/main'))
  afterEach(async () => {
    await loop?.stop()
    loop = null
  })

  const bare = (...args: string[]) =>
    execFileSync('git', ['-C', clone.registry.location, ...args], { encoding: 'utf8' }).trim()
  const key = (person: string) => join(clone.registry.folder, person)
  const branches = () =>
    bare('for-each-ref', '--format=%(refname:short)', 'refs/heads/approve').split('\n').filter(Boolean)

  /** The head of a fork, as a forge keeps it: there is no branch of it in the registry. */
  async function openPull(number: number, ref = 'pull'): Promise<string> {
    await clone.git('git add -A && git commit -q -m next')
    bare('fetch', '-q', clone.root, `HEAD:refs/${ref}/${number}/head`)
    const head = (await clone.git('git rev-parse HEAD')).trim()
    await clone.git('git reset -q --hard origin/main')
    return head
  }

  async function openPromotion(number = 1, ref = 'pull'): Promise<string> {
    const pinned = aliasFile('faq', '0.2.0', digest)
    const aliases = { 'tenants/acme/aliases/candidate.yaml': pinned, 'tenants/acme/aliases/current.yaml': pinned }
    await clone.write({ ...faqFiles(NEXT), ...aliases })
    return openPull(number, ref)
  }

  async function merge(revision: string): Promise<void> {
    await clone.git(`git fetch -q origin && git switch -q --detach origin/main && git merge -q --no-ff -m merge ${revision}
      git push -q origin HEAD:refs/heads/main && git switch -q work`)
  }

  it('signs nothing where the merge would be refused, the key has no role, or only showing was asked for', async () => {
    await openPromotion(1)
    await clone.write({ 'bundles/faq/templates/contact.j2': '{{ constructor }}\n' })
    await openPull(2)
    const refused = async (number: string, person: string, options = {}) =>
      (await clone.run('approve', [], { pr: number, key: key(person), ...options })).code
    expect(await refused('1', 'ana')).toBe(1)
    expect(await refused('1', 'cora')).toBe(1)
    expect(await refused('2', 'ben')).toBe(1)
    expect(await refused('3', 'ben')).toBe(2)
    expect(await refused('one', 'ben')).toBe(2)
    expect(await refused('1', 'ben', { show: true })).toBe(0)
    expect(branches()).toEqual([])
  })

  it('shows what the head of a fork promotes, signs it, and the merge is promoted', async () => {
    const head = await openPromotion(7)
    await clone.write({ 'bundles/faq/manifest.yaml': 'half written\n' })
    const { code, out, err } = await clone.run('approve', [], { pr: '7', key: key('ben') })
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain(`pull request 7 at ${head}`)
    expect(out).toContain('faq 0.1.0 → 0.2.0: ')
    expect(out).toContain('acme/current  faq 0.1.0 → 0.2.0  APPROVAL_MISSING  needs 1 of ben')
    expect(await clone.git('git status --porcelain')).toBe(' M bundles/faq/manifest.yaml\n')
    expect(await clone.git('git worktree list --porcelain | grep -c ^worktree')).toBe('1\n')
    expect(branches()).toEqual(['approve/pr-7-ben'])
    const path = `tenants/acme/approvals/current/${digest.slice(7, 19)}.ben.sig`
    expect(bare('diff', '--name-only', 'main', 'approve/pr-7-ben')).toBe(path)
    await clone.git('git checkout -q .')
    await merge('origin/approve/pr-7-ben')
    await merge(head)
    loop = await runRealLoop(clone.registry)
    expect(await loop.current('acme', digest)).toMatchObject({ version: '0.2.0', approvals: [{ principal: 'ben' }] })
  })

  it('approves for many tenants with one signature, once', async () => {
    const tenant = 'status: active\n'
    const pinned = aliasFile('faq', '0.2.0', digest)
    const of = (name: string) => ({
      [`tenants/${name}/tenant.yaml`]: tenant,
      [`tenants/${name}/aliases/candidate.yaml`]: pinned,
      [`tenants/${name}/aliases/current.yaml`]: pinned,
    })
    await clone.write({ ...of('one'), ...of('two') })
    const head = await openPull(8, 'merge-requests')
    const { code, out } = await clone.run('approve', [], { pr: '8', key: key('ben'), json: true })
    expect(code).toBe(0)
    const { paths, statements } = JSON.parse(out) as { paths: string[]; statements: string[] }
    expect(paths.map((path) => path.split('.').pop())).toEqual(['sig', 'members'])
    expect(statements).toHaveLength(1)
    await merge('origin/approve/pr-8-ben')
    expect((await clone.run('approve', [], { pr: '8', key: key('ben') })).code).toBe(2)
    await merge(head)
    loop = await runRealLoop(clone.registry)
    for (const name of ['one', 'two']) await loop.current(name, digest)
  })

  it('brings a change of governance into force that an owner signed, and not one that somebody else did', async () => {
    await clone.git(`sed -i 's/  current: .*/  current: { from: candidate, approvals: 2 }/' registry.yaml
      git commit -qam 'two approvals'`)
    expect((await clone.run('approve', [], { governance: true, key: key('cora') })).code).toBe(1)
    const { code, out } = await clone.run('approve', [], { governance: true, key: key('ben'), json: true })
    expect(code).toBe(0)
    await merge(`origin/${(JSON.parse(out) as { branch: string }).branch}`)
    loop = await runRealLoop(clone.registry)
    await loop.until(({ state }) => state.registry.rules.promotion.current.approvals === 2)
    expect((await clone.run('approve', [], { governance: true, key: key('ben') })).code).toBe(2)
  })
})
