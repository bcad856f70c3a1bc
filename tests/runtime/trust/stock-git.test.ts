import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatAllowedSigner } from '../../../runtime/trust/allowed-signers.ts'
import { verifyCommit } from '../../../runtime/trust/verify-commit.ts'
import { verifyTag } from '../../../runtime/trust/verify-tag.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { openFollowedRegistry, type FollowedRegistry } from '../../support/followed-registry.ts'
import { temporaryFolder } from '../../support/ssh-keygen.ts'

const run = promisify(execFile)

let registry: FollowedRegistry
let seal: SealRecord
let allowedSigners: string
beforeAll(async () => {
  registry = await openFollowedRegistry()
  seal = await registry.seal('1.0.0')
  await registry.ledger.addTenant('retail')
  await registry.ledger.promote('retail', 'current', seal)
  await registry.publish()
  allowedSigners = join(await temporaryFolder(), 'allowed_signers')
  const { controller, heartbeat } = registry.ledger.keys
  const lines = [controller, heartbeat].map(({ publicKey: key }) =>
    formatAllowedSigner({ principal: 'contractor', namespaces: ['git'], key }),
  )
  await writeFile(allowedSigners, lines.join(''))
})
afterAll(() => registry.close())

const git = async (...args: string[]) => {
  const options = ['-c', `gpg.ssh.allowedSignersFile=${allowedSigners}`, '-c', 'gpg.format=ssh']
  const { stdout, stderr } = await run('git', ['-C', registry.location, ...options, ...args])
  return stdout + stderr
}
const accepts = (...args: string[]) =>
  git(...args).then(
    () => true,
    () => false,
  )

describe('what we format and sign', () => {
  it('is accepted by git verify-commit: every commit of live, the seal and the heartbeat', async () => {
    const commits = (await git('rev-list', 'live')).trim().split('\n')
    expect(commits).toHaveLength(3)
    for (const commit of [...commits, seal.seal, 'heartbeat']) {
      expect(await git('verify-commit', commit)).toContain('Good "git" signature for contractor')
    }
  })

  it('is accepted by git verify-tag', async () => {
    expect(await git('verify-tag', 'bundles/faq/1.0.0')).toContain('Good "git" signature for contractor')
  })

  it('leaves git fsck nothing to say', async () => {
    expect(await git('fsck', '--full', '--strict')).not.toMatch(/error|warning|missing/)
  })

  it('has a state root that sha256sum computes in a clone', async () => {
    const clone = await temporaryFolder()
    const script = `git clone -q -b live "$0" "$1/c" && cd "$1/c" && find . -type f -not -path './.git/*' -not -name entry.json | sed 's|^\\./||' | LC_ALL=C sort | xargs sha256sum | sha256sum`
    const { stdout } = await run('bash', ['-c', script, registry.location, clone])
    const entry = JSON.parse(await git('show', 'live:entry.json')) as { state_root: string }
    expect(`sha256:${stdout.slice(0, 64)}`).toBe(entry.state_root)
  })
})

describe('what stock git signs', () => {
  it('is accepted by us, from the key that signed it and from no other', async () => {
    const key = registry.ledger.keyFiles.get('controller') ?? ''
    const work = await temporaryFolder()
    await run('git', ['init', '-q', work])
    const identity = [
      '-c',
      'user.name=Ana',
      '-c',
      'user.email=ana@acme.example',
      '-c',
      'gpg.format=ssh',
      '-c',
      `user.signingKey=${key}`,
    ]
    const inWork = async (...args: string[]) =>
      (await run('git', ['-C', work, ...identity, ...args], { encoding: 'buffer' })).stdout
    await inWork('commit', '-q', '-S', '--allow-empty', '-m', 'by stock git')
    await inWork('tag', '-s', '-m', 'tagged by stock git', 'v1')
    const [commit, tag] = (await inWork('rev-parse', 'HEAD', 'v1')).toString().trim().split('\n')
    const raw = await inWork('cat-file', 'commit', commit ?? '')
    const rawTag = await inWork('cat-file', 'tag', tag ?? '')
    const { controller, heartbeat } = registry.ledger.keys
    expect(verifyCommit(commit ?? '', raw, [controller.publicKey]).key).toBe(controller.publicKey)
    expect(await faultReason(() => verifyCommit(commit ?? '', raw, [heartbeat.publicKey]))).toBe('UNTRUSTED')
    const expected = {
      oid: tag ?? '',
      raw: rawTag,
      ref: 'refs/tags/v1',
      object: commit ?? '',
      keys: [controller.publicKey],
    }
    expect(verifyTag(expected)).toMatchObject({ ref: 'refs/tags/v1', object: commit })
    expect(await faultReason(() => verifyTag({ ...expected, ref: 'refs/tags/v2' }))).toBe('UNTRUSTED')
    expect(await faultReason(() => verifyTag({ ...expected, object: '1'.repeat(40) }))).toBe('UNTRUSTED')
    expect(await faultReason(() => verifyTag({ ...expected, keys: [heartbeat.publicKey] }))).toBe('UNTRUSTED')
  })
})

describe('a tag that git calls good', () => {
  it('is refused by us at another ref', async () => {
    await registry.setRef('refs/tags/bundles/faq/9.0.0', seal.tag_object)
    expect(await accepts('verify-tag', 'bundles/faq/9.0.0')).toBe(true)
    const raw = await registry.repository.read(seal.tag_object, 'tag')
    const expected = { oid: seal.tag_object, raw, object: seal.seal, keys: [registry.ledger.keys.controller.publicKey] }
    expect(await faultReason(() => verifyTag({ ...expected, ref: 'refs/tags/bundles/faq/9.0.0' }))).toBe('UNTRUSTED')
    expect(await faultReason(() => verifyTag({ ...expected, ref: 'refs/tags/bundles/faq/1.0.0' }))).toBeNull()
  })
})
