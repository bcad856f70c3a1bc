import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyEnvironment } from '../../support/embedded.ts'
import { eventually } from '../../support/eventually.ts'
import { contractor, startServer, type Server } from '../../support/program.ts'
import { mustRun } from '../../support/shell.ts'

const QUESTION = 'What are your opening hours?'

/** One registry from nothing to a revoked key; each test goes on where the one before ended. */
describe('the command line, from an empty folder to production', { timeout: 120_000 }, () => {
  let folder: string
  let clone: string
  let env: NodeJS.ProcessEnv
  const servers: Server[] = []
  const server = join('..', 'registry.git')

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'contractor-cli-'))
    clone = join(folder, 'registry')
    env = await emptyEnvironment()
    await git(
      `git config --global user.name 'Ana: the #1' && git config --global user.email ana@acme.example
      ssh-keygen -q -t ed25519 -N '' -f ana && ssh-keygen -q -t ed25519 -N '' -f ben`,
      folder,
    )
  })
  afterAll(async () => {
    for (const running of servers) await running.stop()
    await rm(folder, { recursive: true })
  })

  const git = (script: string, cwd = clone) => mustRun(script, cwd, env)

  /** The one JSON document that a command prints where it ends with this code. */
  async function json<T = Record<string, unknown>>(code: number, ...args: string[]): Promise<T> {
    const ran = await contractor([...args, '--json'], clone, env)
    if (ran.code !== code) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
    expect(ran.stdout.endsWith('\n')).toBe(true)
    return JSON.parse(ran.stdout) as T
  }

  const merge = (branch: string) =>
    git(`git switch -q main && git merge -q --no-ff --no-edit ${branch} && git push -q origin main`)

  async function exec(
    key: string,
  ): Promise<{ code: number; body: { bundle?: { version: string }; reason_code?: string } }> {
    const args = ['exec', 'shop', QUESTION, '--runtime', servers[1]!.url, '--json']
    const { code, stdout } = await contractor(args, clone, { ...env, CONTRACTOR_API_KEY: key })
    return { code, body: JSON.parse(stdout) as { bundle?: { version: string } } }
  }

  it('makes a registry with a bundle that passes its check', async () => {
    const made = await contractor(
      ['init', 'registry', '--id', 'acme', '--owner', 'ana', '--key', 'ana.pub', '--json'],
      folder,
      env,
    )
    expect(JSON.parse(made.stdout)).toMatchObject({ registry: 'acme', folder: clone })
    expect(await json(0, 'new', 'bundle', 'faq')).toMatchObject({ folder: 'bundles/faq/' })
    await git('git add -A && git commit -q -m faq')
    expect(await json(0, 'check')).toMatchObject({ verdict: 'pass', findings: [] })
    expect(await json(0, 'test', 'faq')).toMatchObject({ verdict: 'pass' })
  })

  it('makes the root of trust, and starts a controller and a Runtime on it', async () => {
    const roles = await readFile(join(clone, 'governance/roles.yaml'), 'utf8')
    await writeFile(
      join(clone, 'governance/roles.yaml'),
      roles
        .replace('roles:', '  - { id: ben, name: Ben, emails: [ben@acme.example] }\nroles:')
        .replace('members: [ana]', 'members: [ana, ben]'),
    )
    await git(`printf 'ben@acme.example namespaces="git,contractor-approval" %s\\n' "$(cut -d' ' -f1,2 ../ben.pub)" >> governance/allowed_signers
      git commit -q -a -m 'ben approves' && git init -q --bare -b main ${server}
      git remote add origin ${server} && git push -q -u origin main && git config contractor.trust ../root.json`)
    const root = await json(0, 'root', 'init', '--registry', server, '--keys', '../keys', '--out', '../root.json')
    expect(root).toMatchObject({ registry: 'acme', root: join(folder, 'root.json') })
    const common = ['--registry', server, '--trust', '../root.json', '--port', '0', '--poll', '100']
    servers.push(
      await startServer(['controller', ...common, '--keys', '../keys', '--state', '../controller'], clone, env),
      await startServer(['runtime', ...common, '--state', '../runtime'], clone, env),
    )
  })

  let key = ''

  it('adds a tenant with a key', async () => {
    await json(0, 'new', 'tenant', 'shop')
    await git('git add -A && git commit -q -m shop && git push -q origin main')
    const made = await json<{ key: string; branch: string }>(0, 'keys', 'create', 'shop', '--id', 'web')
    key = made.key
    await merge(made.branch)
    expect(await json(0, 'keys', 'list', 'shop')).toMatchObject({ keys: [{ id: 'web', scopes: ['execute'] }] })
    expect(await git('git log -p')).not.toContain(key)
    await eventually(
      () => contractor(['status', 'shop', '--json'], clone, env),
      ({ code }) => code === 0,
      30_000,
    )
  })

  /** `promote`, `approve` and the merge of their branch. */
  async function bring(version: string): Promise<void> {
    const { branch } = await json<{ branch: string }>(0, 'promote', 'shop', '--to', 'current', `faq@${version}`)
    expect(await json(0, 'approve', 'shop', 'current', '--key', '../ben')).toMatchObject({ principal: 'ben', branch })
    await merge(branch)
    expect(await json(0, 'wait', 'shop', '--timeout', '30')).toMatchObject({ live: true })
    await eventually(
      () => exec(key),
      ({ body }) => body.bundle?.version === version,
      30_000,
    )
  }

  it('promotes what another person approved, and answers from it', async () => {
    await bring('0.1.0')
    const answer = await contractor(['exec', 'shop', QUESTION, '--runtime', servers[1]!.url], clone, {
      ...env,
      CONTRACTOR_API_KEY: key,
    })
    expect(answer).toMatchObject({ code: 0, stdout: expect.stringContaining('09:00') })
  })

  it('goes back with rollback, which needs no approval', async () => {
    await git(`sed -i 's/bundle_version: 0.1.0/bundle_version: 0.2.0/' bundles/faq/manifest.yaml
      git commit -q -a -m 'faq 0.2.0' && git push -q origin main`)
    await bring('0.2.0')
    const { branch } = await json<{ branch: string }>(0, 'rollback', 'shop')
    await merge(branch)
    expect(await json(0, 'wait', 'shop')).toMatchObject({ live: true })
    await eventually(
      () => exec(key),
      ({ body }) => body.bundle?.version === '0.1.0',
      30_000,
    )
  })

  it('waits in vain for what nobody approved with 1, and for what nobody pushed with 3', async () => {
    await git('git switch -q main && git switch -q -c unapproved')
    await json(0, 'promote', 'shop', '--to', 'current', 'faq@0.2.0')
    expect(await json(3, 'wait', 'shop', '--timeout', '0')).toMatchObject({ error: { reason_code: 'UNDECIDED' } })
    await merge('unapproved')
    expect(await json(1, 'wait', 'shop', '--timeout', '30')).toMatchObject({
      live: false,
      refused: { reason_code: 'APPROVAL_INVALID' },
    })
    expect((await contractor(['status', 'shop'], clone, env)).stdout).toContain(
      'shop/current  faq 0.2.0  APPROVAL_INVALID',
    )
  })

  it('does not take an old refusal for the answer to a new approval', async () => {
    expect(await json(0, 'approve', 'shop', 'current', '--key', '../ben', '--branch', 'approved')).toMatchObject({
      branch: 'approved',
    })
    await merge('approved')
    expect(await json(0, 'wait', 'shop', '--timeout', '30')).toMatchObject({ live: true })
    expect((await contractor(['status', 'shop'], clone, env)).stdout).not.toContain('APPROVAL_INVALID')
  })

  it('takes a key back, and the key stops to work', async () => {
    const { branch } = await json<{ branch: string }>(0, 'keys', 'revoke', 'shop', 'web')
    await merge(branch)
    const { body } = await eventually(
      () => exec(key),
      ({ code }) => code === 1,
      30_000,
    )
    expect(body.reason_code).toBe('UNAUTHENTICATED')
  })

  it('proves all of it, and prints one JSON document where it prints', async () => {
    expect(await json(0, 'verify')).toMatchObject({ verdict: 'pass', registry: 'acme', bundles: 2 })
    expect(await json(0, 'status')).toMatchObject({ registry: 'acme' })
    expect(await json(0, 'log', 'shop')).toHaveProperty('entries')
    expect(await json(0, 'doctor')).toMatchObject({ verdict: 'pass' })
    expect(await json(0, 'version')).toHaveProperty('runtime')
    expect(await json(0, 'explain', 'STALE')).toBeTypeOf('object')
    expect(await json(0, 'try', 'faq', QUESTION)).toMatchObject({ intent: 'opening_hours' })
    for (const running of servers) expect(await running.stop()).toBe(0)
  })
})
