import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/execute.ts'
import { emptyEnvironment, startEmbedded, type Embedded } from '../support/embedded.ts'
import { eventually } from '../support/eventually.ts'
import { mustRun } from '../support/shell.ts'

describe('the main job, with stock git as the engineer', () => {
  let up: Embedded
  let env: NodeJS.ProcessEnv
  const git = (script: string) => mustRun(script, up.registry, env)
  const version = async () => (await ask(up.runtime, up.demo, up.demo.question)).body.bundle.version
  const becomes = (wanted: string) => eventually(version, (found) => found === wanted)

  beforeAll(async () => {
    env = await emptyEnvironment()
    up = await startEmbedded({ env })
  })
  afterAll(() => up.stop())

  it('answers from the bundle that is current', async () => {
    const { status, body } = await ask(up.runtime, up.demo, up.demo.question)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      tenant: 'acme',
      outcome: 'answered',
      intent: 'card_arrival',
      bundle: { name: 'retail-bank', version: '1.1.0' },
    })
    expect(body.output).toEqual({ answer: expect.stringContaining('3 to 5 days') })
  })

  it('serves what a merge promotes, and the old answer again after a revert', async () => {
    await git('git merge --no-ff --no-edit demo/faster-card && git push')
    await becomes('1.2.0')
    expect((await ask(up.runtime, up.demo, up.demo.question)).body.output).toEqual({
      answer: expect.stringContaining('2 to 3 days'),
    })
    await git('git revert --no-edit -m 1 HEAD && git push')
    await becomes('1.1.0')
  })

  it('refuses what nobody approved, says so on live, and goes on serving', async () => {
    await git('git merge --no-ff --no-edit demo/unapproved && git push')
    const entry = () =>
      git('git fetch -q origin live && git show FETCH_HEAD:entry.json').then(
        (text) => JSON.parse(text) as { decisions: { subject: string; reason_code: string }[] },
      )
    const { decisions } = await eventually(entry, (found) =>
      found.decisions.some(
        ({ subject, reason_code }) => subject === 'acme/current' && reason_code === 'APPROVAL_MISSING',
      ),
    )
    expect(decisions.find(({ subject }) => subject === 'acme/current')).toMatchObject({
      decision: 'deny',
      kind: 'refuse',
    })
    expect(await version()).toBe('1.1.0')
    await git('git revert --no-edit -m 1 HEAD && git push')
  })

  it('has written nothing that stock git and ssh-keygen do not verify', async () => {
    const verified = await git(`
      git config gpg.ssh.allowedSignersFile ${up.allowed_signers}
      git fetch -q origin '+refs/heads/live:refs/remotes/origin/live' '+refs/tags/bundles/*:refs/tags/bundles/*'
      git rev-list origin/live | xargs -n 1 git verify-commit
      git tag -l 'bundles/*' | xargs -n 1 git verify-tag
      git tag -l 'bundles/*' | while read -r tag; do git verify-commit "$tag^{commit}"; done
      git rev-list --count origin/live`)
    expect(Number(verified.trim())).toBeGreaterThan(4)
    await mustRun('git fsck --full --strict', `${up.home}/registry.git`, env)
  })

  it('gives a digest that sha256sum in a shell gives too', async () => {
    const { bundle } = (await ask(up.runtime, up.demo, up.demo.question)).body
    const sum = await git(`
      d=$(mktemp -d) && git archive bundles/${bundle.name}/${bundle.version} | tar x -C $d && cd $d
      find . -type f | sed 's|^\\./||' | LC_ALL=C sort | xargs sha256sum | sha256sum`)
    expect(`sha256:${sum.split(' ')[0]}`).toBe(bundle.digest)
  })
})
