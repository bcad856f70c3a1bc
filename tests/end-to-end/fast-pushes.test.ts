import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faqVersion, promotion, startChain, TENANT, type Chain } from '../support/chain.ts'
import { eventually } from '../support/eventually.ts'
import { aliasFile, type FileChanges } from '../support/test-registry.ts'

const PUSHES = 6
const first = faqVersion('1.0.0')
const tenants = Array.from({ length: 10 }, (_, index) => `shop-${index}`)
const candidate = (tenant: string) => `tenants/${tenant}/aliases/candidate.yaml`

describe('commits that come faster than gates run', () => {
  let chain: Chain

  beforeAll(async () => {
    chain = await startChain({ over: 'path' })
    await chain.commit({ ...first.files, ...(await promotion(chain, '1.0.0', first.digest)) }, 'faq 1.0.0')
    await chain.git('git push -q')
    await chain.answersFrom('1.0.0')
  })
  afterAll(() => chain.close())

  it('are judged at the last of them; those passed over are named, and never served', async () => {
    const seq = await chain.seq()
    const served = new Set<string>()
    const last = faqVersion(`1.1.${PUSHES}`)
    const pushed: string[] = []
    for (let push = 1; push <= PUSHES; push++) {
      const version = `1.1.${push}`
      const { files, digest } = faqVersion(version)
      await chain.commit({ ...files, ...(await promotion(chain, version, digest)) }, `faq ${version}`)
      await chain.git('git push -q')
      pushed.push((await chain.git('git rev-parse HEAD')).trim())
      served.add((await chain.ask()).body.bundle.version)
    }
    await eventually(
      async () => {
        const { body } = await chain.ask()
        served.add(body.bundle.version)
        return body.bundle.digest
      },
      (digest) => digest === last.digest,
      30_000,
    )
    const entries = await chain.entriesAbove(seq)
    const judged = entries.map(({ source }) => source)
    const covered = entries.flatMap(({ covers }) => covers)
    expect(judged.at(-1)).toBe(pushed.at(-1))
    expect(covered.length).toBeGreaterThan(0)
    expect(new Set([...judged, ...covered])).toEqual(new Set(pushed))
    expect(covered.filter((oid) => judged.includes(oid))).toEqual([])
    expect(new Set(covered).size).toBe(covered.length)
    const promoted = entries.flatMap(({ source, decisions }) =>
      decisions
        .filter(({ subject, decision }) => subject === `${TENANT}/current` && decision === 'allow')
        .map(({ to }) => ({ source, version: to?.version })),
    )
    for (const { source, version } of promoted) expect(version).toBe(`1.1.${pushed.indexOf(source) + 1}`)
    const promotable = new Set<string | undefined>(['1.0.0', ...promoted.map(({ version }) => version)])
    expect([...served].filter((version) => !promotable.has(version))).toEqual([])
  })

  it('pass in one entry, nine of ten, where one is refused', async () => {
    const seq = await chain.seq()
    const { digest } = first
    const changes: FileChanges = Object.fromEntries(
      tenants.flatMap((tenant) => [
        [`tenants/${tenant}/tenant.yaml`, 'status: active\n'],
        [candidate(tenant), aliasFile('faq', '1.0.0', digest)],
      ]),
    )
    await chain.git('git switch -q -c ten')
    await chain.commit(
      { ...changes, [candidate('shop-4')]: aliasFile('faq', '1.0.0', `sha256:${'0'.repeat(64)}`) },
      'ten tenants',
    )
    await chain.git('git switch -q main && git merge -q --no-ff --no-edit ten && git push -q')
    await chain.decidedAbove(seq, 'shop-9/candidate')
    const [entry] = await chain.entriesAbove(seq)
    const decided = new Map(entry?.decisions.map(({ subject, reason_code }) => [subject, reason_code]))
    for (const tenant of tenants)
      expect(decided.get(`${tenant}/candidate`)).toBe(tenant === 'shop-4' ? 'DIGEST_MISMATCH' : 'PROMOTED')
    const { state } = chain.controller.head()
    const holding = tenants.filter((tenant) => state.tenants.get(tenant)?.aliases.candidate?.digest === digest)
    expect(holding).toEqual(tenants.filter((tenant) => tenant !== 'shop-4'))
    await chain.answersFrom(`1.1.${PUSHES}`)
  })
})
