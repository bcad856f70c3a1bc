import { describe, expect, it } from 'vitest'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import { runLoop } from '../support/running-loop.ts'
import { seededNumbers } from '../support/seeded-numbers.ts'
import {
  aliasFile,
  digestOf,
  openTestRegistry,
  tinyBundle,
  type FileChanges,
  type TestRegistry,
} from '../support/test-registry.ts'

const bundles = [tinyBundle('faq', '1.0.0'), tinyBundle('faq', '1.1.0'), tinyBundle('faq', '2.0.0')]
const digests = bundles.map((files) => digestOf('faq', files))
const STEPS = 30

/** Everything that people push, well-formed or not, to one of three tenants. */
async function anyChange(
  below: (n: number) => number,
  registry: TestRegistry,
  loop: Awaited<ReturnType<typeof runLoop>>,
) {
  const tenant = ['a', 'b', 'c'][below(3)]!
  const at = `tenants/${tenant}`
  const version = below(3)
  const alias = (['draft', 'candidate', 'current'] as const)[below(3)]!
  const file = aliasFile('faq', ['1.0.0', '1.1.0', '2.0.0'][version]!, digests[below(8) === 0 ? below(3) : version]!)
  const by = (['ana', 'ben', 'cora'] as const)[below(3)]!
  const garbage = ['', '\0', 'a: &x [*x]\n', '\ufeffstatus: active\n', 'x'.repeat(3_000), '- 1\n', 'bundle: \u202e\n'][
    below(7)
  ]!
  const approval = async (): Promise<FileChanges> =>
    registry.approval(by, { tenant, alias, digest: digests[version]!, state: loop.head().state })
  const changes: (() => FileChanges | Promise<FileChanges>)[] = [
    () => ({ [`${at}/tenant.yaml`]: 'status: active\n' }),
    () => ({ [`${at}/tenant.yaml`]: `status: suspended\nlabels: { n: "${below(9)}" }\n` }),
    () => ({ [`${at}/aliases/${alias}.yaml`]: file }),
    () => ({ [`${at}/aliases/candidate.yaml`]: file, [`${at}/aliases/current.yaml`]: file }),
    async () => ({
      [`${at}/aliases/candidate.yaml`]: file,
      [`${at}/aliases/current.yaml`]: file,
      ...(await approval()),
    }),
    approval,
    () => ({ [`${at}/aliases/${alias}.yaml`]: null }),
    () => ({ [`${at}/${['tenant.yaml', 'keys.yaml', 'values.yaml', `aliases/${alias}.yaml`][below(4)]}`]: garbage }),
    () => ({ [`${at}/approvals/${alias}/${digests[version]!.slice(7, 19)}.ben.sig`]: garbage }),
    () => ({ [`${at}/values.yaml`]: `phone: "${below(99)}"\n` }),
    () => ({ [`tenants/${['UPPER', 'no\u202ename', 'x'.repeat(200)][below(3)]}/tenant.yaml`]: 'status: active\n' }),
    () => ({
      'governance/revoked.yaml': `revoked:\n  - { digest: "${digests[2]}", reason: bad, at: 2026-01-01T00:00:00Z }\n`,
    }),
    () => ({ 'governance/roles.yaml': garbage }),
    () => ({ [`bundles/bad-${below(3)}/manifest.yaml`]: garbage }),
    () => bundles[version]!,
    () => ({ [`bundles/faq/templates/answer.j2`]: `changed ${below(99)}\n` }),
  ]
  return changes[below(changes.length)]!()
}

describe('whatever people push', () => {
  it.each([1, 2])('the controller writes a ledger that verifies, and a healthy tenant is served (%i)', async (seed) => {
    const registry = await openTestRegistry()
    const loop = await runLoop(registry)
    try {
      const below = seededNumbers(seed)
      for (const files of bundles) {
        await registry.commit(files)
        await loop.decided({
          reason_code: 'SEALED',
          subject: `bundles/faq/${/bundle_version: (\S+)/.exec(files['bundles/faq/manifest.yaml']!)![1]}`,
        })
      }
      for (let step = 0; step < STEPS; step++) {
        const author = ['ana', 'ben', 'stranger'][below(3)]!
        await registry.commit(await anyChange(below, registry, loop), { author })
        if (below(3) > 0) await loop.reconcileNow()
        loop.clock.now = new Date(loop.clock.now.getTime() + below(20) * 86_400_000)
      }
      await registry.commit({
        'tenants/healthy/tenant.yaml': 'status: active\n',
        'tenants/healthy/aliases/candidate.yaml': aliasFile('faq', '1.0.0', digests[0]!),
      })
      await loop.decided({ subject: 'healthy/candidate', reason_code: 'PROMOTED' })
      expect(loop.told.filter(({ type }) => type === 'fault')).toEqual([])
      const head = (await registry.repository.readRef(LIVE_REF)) ?? ''
      const { seq } = await verifyLedger({ reader: registry.repository, root: registry.root, accepted: null, head })
      expect(seq).toBeGreaterThan(10)
    } finally {
      await loop.stop()
      await registry.close()
    }
  })
})
