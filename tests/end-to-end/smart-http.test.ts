import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faqVersion, promotion, startChain, TENANT, type Chain } from '../support/chain.ts'
import { writeSigners } from '../support/stock-repository.ts'

const versions = ['1.0.0', '1.1.0'] as const

describe('the main job over smart HTTP, with stock git as the engineer', () => {
  let chain: Chain

  beforeAll(async () => {
    chain = await startChain({ over: 'http', pollMs: 100 })
  })
  afterAll(() => chain.close())

  async function mergeAndPush(version: string): Promise<void> {
    const { files, digest } = faqVersion(version)
    await chain.git(`git switch -q -c faq-${version}`)
    await chain.commit({ ...files, ...(await promotion(chain, version, digest)) }, `faq ${version}`)
    await chain.git(`git switch -q main && git merge -q --no-ff --no-edit faq-${version} && git push -q`)
  }

  it('answers from what a merge promoted, and from what was before after a revert', async () => {
    for (const version of versions) {
      await mergeAndPush(version)
      await chain.answersFrom(version)
    }
    expect((await chain.ask('How do I contact you?')).body.output).toEqual({
      answer: expect.stringContaining('Version 1.1.0'),
    })
    const seq = await chain.seq()
    await chain.git('git revert --no-edit -m 1 HEAD && git push -q')
    await chain.answersFrom('1.0.0')
    expect((await chain.ask('How do I contact you?')).body.output).toEqual({
      answer: expect.stringContaining('Version 1.0.0'),
    })
    expect(await chain.decidedAbove(seq, `${TENANT}/current`)).toMatchObject({
      kind: 'rollback',
      decision: 'allow',
      from: { version: '1.1.0' },
      to: { version: '1.0.0' },
    })
  })

  it('has written nothing that stock git does not verify in a fresh clone of the server', async () => {
    const signers = await writeSigners(chain.registry)
    const verified = await chain.git(`
      git clone -q --no-checkout "$(git remote get-url origin)" ../fresh && cd ../fresh
      git config gpg.format ssh && git config gpg.ssh.allowedSignersFile ${signers}
      git fsck --full --strict
      git rev-list origin/live origin/reports | xargs -n 1 git verify-commit
      git verify-commit origin/heartbeat
      for tag in $(git tag -l 'bundles/*'); do git verify-tag $tag && git verify-commit "$tag^{commit}"; done
      git tag -l 'bundles/*' | wc -l`)
    expect(Number(verified.trim())).toBe(versions.length)
  })
})
