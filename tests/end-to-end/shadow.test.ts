import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AUDIT_REF, readWitnessed } from '../../controller/witness/audit-branch.ts'
import { verifyAuditFolder } from '../../runtime/audit/verify-log.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { runCommand } from '../support/author-clone.ts'
import { faqVersion, promotion, QUESTION, startChain, TENANT, type Chain } from '../support/chain.ts'
import { eventually } from '../support/eventually.ts'
import { aliasFile, RULES } from '../support/test-registry.ts'
import { join } from 'node:path'

const CONTACT = 'How do I contact you?'
const RULE = 'approvals: 1, shadow: { comparisons: 20, differences: 1 } }'
const versions = { a: faqVersion('1.0.0'), b: faqVersion('1.1.0'), c: faqVersion('1.2.0') }
const subject = `${TENANT}/current`
const SHADOWED = 'status: active\nlimits: { execute_per_minute: 600000 }\nshadow: { alias: candidate, percent: 100 }\n'

/** Tests follow on each other: 1.1.0 agrees with 1.0.0 on what is asked, 1.2.0 does not. */
describe('a candidate that runs beside current', () => {
  let chain: Chain

  beforeAll(async () => {
    const rules = RULES.replace('approvals: 1 }', RULE)
    chain = await startChain({ over: 'path', rules, isWitnessed: true })
    const { files, digest } = versions.a
    await chain.commit({ ...files, ...(await promotion(chain, '1.0.0', digest)) }, 'faq 1.0.0')
    await chain.git('git push -q')
    await chain.answersFrom('1.0.0')
  })
  afterAll(() => chain.close())

  /** Waits without asking: a question meanwhile would be one more comparison. */
  const isServed = (alias: 'current' | 'candidate', version: string) =>
    eventually(
      async () => chain.runtime.follower.tenant(TENANT)?.aliases[alias]?.state.version,
      (found) => found === version,
      30_000,
    )

  /** Makes a version the candidate, and asks for it to be current. */
  async function want(version: string, { files, digest }: { files: Record<string, string | null>; digest: string }) {
    await chain.commit({ ...files, [`tenants/${TENANT}/tenant.yaml`]: SHADOWED }, `faq ${version}`)
    await chain.git('git push -q')
    await chain.isSealed(version)
    const candidate = { [`tenants/${TENANT}/aliases/candidate.yaml`]: aliasFile('faq', version, digest) }
    await chain.commit(candidate, `candidate ${version}`)
    await chain.git('git push -q')
    await isServed('candidate', version)
    const seq = await chain.seq()
    await chain.commit(await promotion(chain, version, digest), `current ${version}`)
    await chain.git('git push -q')
    return chain.decidedAbove(seq, subject)
  }

  /** Asks, waits until everything was compared, and lets the Runtime report: it does when it sees a change. */
  async function compared(questions: string[], version: string, note: string): Promise<Decision> {
    const before = (await verifyAuditFolder(auditDir(), chain.runtime.audit.verifier)).shadow
    for (const question of questions)
      expect((await chain.ask(question)).body).toMatchObject({ bundle: { version }, outcome: 'answered' })
    await eventually(
      async () => {
        await chain.runtime.audit.publish()
        const { shadow } = await verifyAuditFolder(auditDir(), chain.runtime.audit.verifier)
        return shadow.agreed + shadow.differed
      },
      (count) => count === before.agreed + before.differed + questions.length,
      30_000,
    )
    const seq = await chain.seq()
    await chain.commit({ [`tenants/${TENANT}/tenant.yaml`]: `${SHADOWED}labels: { note: ${note} }\n` }, 'label')
    await chain.git('git push -q')
    return chain.decidedAbove(seq, subject)
  }

  const auditDir = () => join(chain.registry.folder, 'runtime-state', 'audit')

  it('does not become current before it was compared', async () => {
    expect(await want('1.1.0', versions.b)).toMatchObject({ decision: 'wait', reason_code: 'SHADOW_PENDING' })
  })

  it('becomes current by itself once Runtimes have compared it often enough and it agreed', async () => {
    const decision = await compared(
      Array.from({ length: 20 }, () => QUESTION),
      '1.0.0',
      'first',
    )
    expect(decision).toMatchObject({ decision: 'allow', kind: 'promote', reason_code: 'PROMOTED' })
    await isServed('current', '1.1.0')
  })

  it('leaves the counts on the branch audit, signed by the log that has the comparisons', async () => {
    const tip = await chain.registry.repository.readRef(AUDIT_REF)
    const logs = await readWitnessed(chain.registry.repository, tip!, [chain.registry.signer.publicKey])
    const [against, digest] = [versions.a.digest, versions.b.digest]
    expect(logs.get(chain.runtime.audit.origin)?.shadow?.counts).toEqual([
      { tenant: TENANT, against, digest, agreed: 20, differed: 0 },
    ])
  })

  it('is found again by audit verify, which counts the records and checks the cosignature', async () => {
    const options = { dir: auditDir(), registry: chain.work, trust: join(chain.registry.folder, 'root.json') }
    const run = (more = {}) =>
      runCommand('audit verify', [], { ...options, json: true, ...more }, { cwd: '/', env: chain.env })
    const { code, out, err } = await run()
    expect([code, err]).toEqual([0, ''])
    expect(JSON.parse(out)).toMatchObject({ verdict: 'pass', anchors: 1, shadow: { agreed: 20, differed: 0 } })
    const { witness } = JSON.parse(out) as { witness: { size: number; seen: string } }
    expect(witness.size).toBeGreaterThan(40)
    expect(Math.abs(Date.now() - Date.parse(witness.seen))).toBeLessThan(300_000)
    const other = chain.runtime.audit.verifier.replace('/0/', '/1/')
    expect((await run({ key: other })).code).toBe(1)
  })

  it('is refused where it differs more often than the rule allows, however often it agreed', async () => {
    expect(await want('1.2.0', versions.c)).toMatchObject({ decision: 'wait', reason_code: 'SHADOW_PENDING' })
    const questions = [CONTACT, CONTACT, ...Array.from({ length: 20 }, () => QUESTION)]
    const decision = await compared(questions, '1.1.0', 'second')
    expect(decision).toMatchObject({ decision: 'deny', reason_code: 'SHADOW_DIFFERS' })
    await chain.answersFrom('1.1.0')
  })
})
