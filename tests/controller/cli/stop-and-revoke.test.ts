import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Loop } from '../../../controller/loop.ts'
import { openAuthorClone, runRealLoop, until, type AuthorClone } from '../../support/author-clone.ts'
import { sealingSandbox } from '../../support/sealing-sandbox.ts'

let clone: AuthorClone
let loop: Loop
beforeAll(async () => {
  clone = await openAuthorClone()
  loop = await runRealLoop(clone.registry, sealingSandbox())
})
afterAll(async () => {
  await loop.stop()
  await clone.close()
})

const statusOfAcme = () => loop.head().state.tenants.get('acme')?.status
const reasons = () => loop.head().entry.decisions.map(({ reason_code }) => reason_code)

/** Merges a branch into `main` as a pull request would, and leaves the clone on `main`. */
async function merge(branch: string): Promise<void> {
  await clone.git(`git push -q origin ${branch}:main && git switch -q main && git pull -q origin main`)
  await loop.reconcileNow()
}

async function json(name: string, args: string[], options: Record<string, string | boolean> = {}) {
  const { code, out, err } = await clone.run(name, args, { ...options, json: true })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return JSON.parse(out) as Record<string, unknown> & { branch: string }
}

describe('stopping', () => {
  beforeAll(() => clone.git('git switch -q main'))

  it('suspends a tenant at once, and says when there is nothing to change', async () => {
    const { branch } = await json('suspend', ['acme'])
    expect(branch).toBe('suspend/acme')
    for (const stranger of ['nobody', '../acme', 'bundles'])
      expect((await clone.run('suspend', [stranger])).code).toBe(1)
    expect(await clone.git(`git show ${branch}:tenants/acme/tenant.yaml`)).toContain('status: suspended')
    expect((await clone.run('suspend', ['acme'])).code).toBe(2)
    await merge(branch)
    await until(loop, () => (statusOfAcme() === 'suspended' ? true : undefined))
  })

  it('resumes a tenant only with the approval of an owner', async () => {
    const { branch, approvals_needed } = await json('resume', ['acme'])
    expect(approvals_needed).toBe(1)
    await merge(branch)
    expect(statusOfAcme()).toBe('suspended')
    expect(reasons()).toContain('GOVERNANCE_NOT_APPROVED')
    const cora = await clone.run('resume', ['acme'], { approve: true, key: `${clone.registry.folder}/cora` })
    expect([cora.code, cora.err]).toEqual([1, expect.stringContaining('ROLE_MISSING')])
    await clone.git('git switch -q -c approve-acme')
    const approved = await json('resume', ['acme'], { approve: true, key: `${clone.registry.folder}/ben` })
    expect(approved).toMatchObject({ branch: 'approve-acme', approved: 'ben' })
    await merge(approved.branch)
    await until(loop, () => (statusOfAcme() === 'active' ? true : undefined))
    expect((await clone.run('resume', ['acme'])).code).toBe(2)
  })

  it('revokes a digest at once, and says whom it leaves without a bundle', async () => {
    const { branch, ...told } = await json('revoke', ['faq@0.1.0'], { reason: 'told customers a wrong fee' })
    expect(told).toMatchObject({ digest: clone.digest, served_by: ['acme/candidate', 'acme/current'] })
    expect((await clone.run('revoke', [clone.digest], { reason: 'again' })).code).toBe(2)
    await merge(branch)
    await until(loop, () => loop.head().state.revoked.find(({ digest }) => digest === clone.digest))
  })
})
