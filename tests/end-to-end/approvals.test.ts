import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { faqVersion, promotion, startChain, TENANT, type Chain } from '../support/chain.ts'
import { aliasFile, type FileChanges } from '../support/test-registry.ts'

const a = faqVersion('1.0.0')
const b = faqVersion('1.1.0')
const subject = `${TENANT}/current`
const folder = `tenants/${TENANT}`
const toB = aliasFile('faq', '1.1.0', b.digest)
const aliases: FileChanges = { [`${folder}/aliases/candidate.yaml`]: toB, [`${folder}/aliases/current.yaml`]: toB }

/** Tests follow on each other: `faq` 1.1.0 is refused until ben approves it, and again after a rollback. */
describe('a change of current', () => {
  let chain: Chain
  let approval: FileChanges

  beforeAll(async () => {
    chain = await startChain({ over: 'path' })
    await chain.commit({ ...a.files, ...(await promotion(chain, '1.0.0', a.digest)) }, 'faq 1.0.0')
    await chain.git('git push -q')
    await chain.answersFrom('1.0.0')
    await chain.commit(b.files, 'faq 1.1.0')
    await chain.git('git push -q')
    await chain.isSealed('1.1.0')
  })
  afterAll(() => chain.close())

  const approvalBy = (who: 'ana' | 'ben' | 'cora') =>
    chain.registry.approval(who, {
      tenant: TENANT,
      alias: 'current',
      digest: b.digest,
      state: chain.controller.head().state,
    })

  async function push(changes: FileChanges, message: string): Promise<Decision> {
    const seq = await chain.seq()
    await chain.commit(changes, message)
    await chain.git('git push -q')
    return chain.decidedAbove(seq, subject)
  }

  /** What is pushed is refused for this reason, and 1.0.0 answers as before. */
  async function expectRefusal(changes: FileChanges, reason_code: string): Promise<void> {
    expect(await push(changes, 'try')).toMatchObject({ decision: 'deny', kind: 'refuse', reason_code })
    expect(chain.controller.head().state.tenants.get(TENANT)?.aliases.current?.digest).toBe(a.digest)
    await chain.answersFrom('1.0.0')
  }

  it('that nobody approved is refused', () => expectRefusal(aliases, 'APPROVAL_MISSING'))

  it('that only its author approved is refused', async () =>
    expectRefusal(await approvalBy('ana'), 'APPROVAL_BY_AUTHOR'))

  it('that somebody without a role approved is refused', async () => {
    await chain.commit({ [Object.keys(await approvalBy('ana'))[0]!]: null }, 'take back')
    await expectRefusal(await approvalBy('cora'), 'ROLE_MISSING')
  })

  it('that another person approved is made, whatever other signatures lie there', async () => {
    approval = await approvalBy('ben')
    expect(await push(approval, 'approve')).toMatchObject({
      decision: 'allow',
      kind: 'promote',
      people: { approvers: ['ben'] },
    })
    await chain.answersFrom('1.1.0')
  })

  it('is not made again by the approval that made it once', async () => {
    const toA = aliasFile('faq', '1.0.0', a.digest)
    const back = { [`${folder}/aliases/candidate.yaml`]: toA, [`${folder}/aliases/current.yaml`]: toA }
    expect(await push(back, 'roll back')).toMatchObject({ decision: 'allow', kind: 'rollback' })
    await chain.answersFrom('1.0.0')
    await expectRefusal({ ...aliases, ...approval }, 'APPROVAL_INVALID')
    expect(await push(await approvalBy('ben'), 'approve again')).toMatchObject({ decision: 'allow', kind: 'promote' })
    await chain.answersFrom('1.1.0')
  })
})
