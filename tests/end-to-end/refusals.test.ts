import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Reason } from '../../schemas/reasons.ts'
import { faqVersion, promotion, startChain, TENANT, type Chain } from '../support/chain.ts'
import { aliasFile, type FileChanges } from '../support/test-registry.ts'

const good = faqVersion('1.0.0')
const next = faqVersion('1.1.0')
const unsealed = `sha256:${'0'.repeat(64)}`

/** A new version of the bundle with one thing wrong, and a candidate that wants it. */
function broken(path: string, change: ((text: string) => string) | null): FileChanges {
  const at = `bundles/faq/${path}`
  const text = next.files[at] ?? ''
  const after = change === null ? null : change(text)
  if (after === text) throw new Error(`${path}: the change of the fixture changes nothing`)
  return {
    ...next.files,
    [at]: after,
    [`tenants/${TENANT}/aliases/candidate.yaml`]: aliasFile('faq', '1.1.0', next.digest),
  }
}

const sed = (from: string, to: string) => (text: string) => text.replace(from, to)

const BUNDLES: [gate: string, code: Reason, changes: FileChanges, subject?: string][] = [
  ['layout', 'LAYOUT_INVALID', broken('ontology/ontology.yaml', null), 'bundles/faq'],
  ['manifest', 'MANIFEST_INVALID', broken('manifest.yaml', sed('bundle_name: faq', 'bundle_name: other'))],
  ['ontology', 'ONTOLOGY_INVALID', broken('ontology/ontology.yaml', sed('fallback: not_understood', 'fallback: no'))],
  [
    'entities',
    'ENTITY_INVALID',
    broken('entities/question.schema.yaml', sed('string', "string\n    pattern: '(?=a)b'")),
  ],
  ['policies', 'POLICY_MISSING', broken('policies/redaction.yaml', null)],
  ['templates', 'TEMPLATE_INVALID', broken('templates/contact.j2', () => "{{ range.constructor('x')() }}\n")],
  ['suites', 'SUITE_FAILED', broken('suites/golden.json', sed('09:00', '10:00'))],
  ['compatibility', 'INCOMPATIBLE_RUNTIME', broken('manifest.yaml', sed('min_version: 1.0.0', 'min_version: 2.0.0'))],
  ['immutability', 'VERSION_NOT_BUMPED', broken('manifest.yaml', sed('1.1.0', '1.0.0')), 'bundles/faq/1.0.0'],
]

describe('what a gate refuses', () => {
  let chain: Chain

  beforeAll(async () => {
    chain = await startChain({ over: 'path' })
    await chain.commit({ ...good.files, ...(await promotion(chain, '1.0.0', good.digest)) }, 'faq 1.0.0')
    await chain.git('git push -q')
    await chain.answersFrom('1.0.0')
  })
  afterAll(() => chain.close())

  /** Aliases, seals and everything else that is in force, and the tags. */
  async function inForce(): Promise<{ state: [string, string][]; tags: string }> {
    const tags = await chain.git(`git ls-remote origin 'refs/tags/*'`)
    return { state: [...chain.controller.head().state.files], tags }
  }

  /** Pushes the changes, reads the decision about the subject, and takes them back. */
  async function refusalOf(changes: FileChanges, subject: string) {
    const before = await inForce()
    const seq = await chain.seq()
    await chain.commit(changes, 'wrong')
    await chain.git('git push -q')
    const decision = await chain.decidedAbove(seq, subject)
    expect(await inForce()).toEqual(before)
    const { status, body } = await chain.ask()
    expect({ status, bundle: body.bundle }).toMatchObject({ status: 200, bundle: { digest: good.digest } })
    await chain.git('git revert --no-edit HEAD && git push -q')
    return decision
  }

  it.each(BUNDLES)(
    '%s refuses a bundle with %s, and changes nothing',
    async (_, code, changes, subject = 'bundles/faq/1.1.0') => {
      const decision = await refusalOf(changes, subject)
      expect(decision).toMatchObject({ kind: 'refuse', decision: 'deny', reason_code: code })
      expect(decision.message).toContain('bundles/faq/')
      expect(decision.report).toMatch(/^sha256:/)
    },
  )

  it.each<[string, Reason, string, FileChanges]>([
    ['sealed', 'NOT_SEALED', 'candidate', { candidate: aliasFile('faq', '9.9.9', unsealed) }],
    ['sealed', 'DIGEST_MISMATCH', 'candidate', { candidate: aliasFile('faq', '1.0.0', unsealed) }],
    ['sealed', 'NOT_SEALED', 'current', { current: aliasFile('faq', '9.9.9', unsealed) }],
  ])('%s refuses an alias with %s on %s, and changes nothing', async (_, code, alias, files) => {
    const changes = Object.fromEntries(
      Object.entries(files).map(([name, text]) => [`tenants/${TENANT}/aliases/${name}.yaml`, text]),
    )
    const decision = await refusalOf(changes, `${TENANT}/${alias}`)
    expect(decision).toMatchObject({ kind: 'refuse', decision: 'deny', reason_code: code })
  })

  describe('with a second version sealed', () => {
    beforeAll(async () => {
      await chain.commit(next.files, 'faq 1.1.0')
      await chain.git('git push -q')
      await chain.isSealed('1.1.0')
    })

    it('stage refuses for current what is not candidate', async () => {
      const wanted = { [`tenants/${TENANT}/aliases/current.yaml`]: aliasFile('faq', '1.1.0', next.digest) }
      const decision = await refusalOf(wanted, `${TENANT}/current`)
      expect(decision).toMatchObject({ decision: 'deny', reason_code: 'NOT_CANDIDATE' })
    })

    it('revoked refuses a digest that owners have revoked', async () => {
      const seq = await chain.seq()
      const revoked = `revoked:\n  - { digest: '${next.digest}', reason: wrong hours, at: '2026-01-01T00:00:00Z' }\n`
      await chain.commit({ 'governance/revoked.yaml': revoked }, 'revoke')
      await chain.git('git push -q')
      expect(await chain.decidedAbove(seq, 'governance/revoked.yaml')).toMatchObject({ reason_code: 'CHANGED' })
      const decision = await refusalOf(
        { [`tenants/${TENANT}/aliases/candidate.yaml`]: aliasFile('faq', '1.1.0', next.digest) },
        `${TENANT}/candidate`,
      )
      expect(decision).toMatchObject({ decision: 'deny', reason_code: 'BUNDLE_REVOKED' })
    })
  })
})
