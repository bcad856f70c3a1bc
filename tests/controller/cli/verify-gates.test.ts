import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GatesVerified } from '../../../controller/cli/verify/verify-gates.ts'
import { reportPath } from '../../../controller/promotion/reports.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import { faqFiles, openAuthorClone, runRealLoop, until, type AuthorClone } from '../../support/author-clone.ts'
import { sealingSandbox } from '../../support/sealing-sandbox.ts'
import { mustRun } from '../../support/shell.ts'

const BROKEN = faqFiles({ 'templates/contact.j2': '{{ x.constructor }}', 'manifest.yaml': manifest('0.2.0') })

let clone: AuthorClone
beforeAll(async () => {
  clone = await openAuthorClone()
  const loop = await runRealLoop(clone.registry)
  try {
    await clone.registry.commit(BROKEN)
    await until(loop, () => (loop.head().entry.decisions[0]?.subject === 'bundles/faq/0.2.0' ? loop : undefined))
  } finally {
    await loop.stop()
  }
  await clone.git('git fetch -q')
})
afterAll(() => clone.close())

async function verified(): Promise<{ code: number; gates: GatesVerified }> {
  const { code, out } = await clone.run('verify', [], { gates: true, json: true })
  return { code, gates: (JSON.parse(out) as { gates: GatesVerified }).gates }
}

const onRegistry = (script: string) => {
  const env = { PATH: process.env['PATH'], HOME: clone.registry.folder, GIT_DIR: clone.registry.location }
  return mustRun(script, clone.registry.folder, env)
}

/** What stands on the branch `reports` is as before when `work` is done. */
async function withReports(change: string, work: () => Promise<void>): Promise<void> {
  const before = await onRegistry('git rev-parse refs/heads/reports')
  await onRegistry(`export GIT_INDEX_FILE=$PWD/tampered; rm -f tampered; git read-tree reports; ${change}
    git update-ref refs/heads/reports $(git -c user.name=m -c user.email=m@x commit-tree -m m $(git write-tree))`)
  try {
    await work()
  } finally {
    await onRegistry(`git update-ref refs/heads/reports ${before.trim()}`)
  }
}

describe('contractor verify --gates', () => {
  it('computes every report again from a clone of stock git, of what passed and of what was refused', async () => {
    expect(await verified()).toEqual({ code: 0, gates: { verdict: 'pass', reports: 2, same: 2, told: [] } })
  })

  it('says which report was changed, and where it is named', async () => {
    const path = reportPath((await seal()).report)
    const change = `git show reports:${path} | sed s/pass/fail/ >changed
      git update-index --add --cacheinfo 100644,$(git hash-object -w changed),${path}`
    await withReports(change, async () => {
      const { code, gates } = await verified()
      expect({ code, same: gates.same }).toEqual({ code: 1, same: 1 })
      expect(gates.told).toMatchObject([{ kind: 'damaged', subject: 'bundles/faq/0.1.0', seq: (await seal()).seq }])
    })
  })

  it('says which report is missing', async () => {
    await withReports(`git rm -q --cached ${reportPath((await seal()).report)}`, async () => {
      const { code, gates } = await verified()
      expect([code, gates.told.map(({ kind }) => kind)]).toEqual([1, ['missing']])
    })
  })

  it('says first what this clone cannot compute', async () => {
    const shallow = `${clone.registry.folder}/shallow`
    await onRegistry(`unset GIT_DIR; git clone -q --depth 1 file://${clone.registry.location} ${shallow}
      git -C ${shallow} config contractor.trust ${clone.registry.folder}/root.json`)
    const { code, out } = await clone.run('verify', [], { gates: true, registry: shallow })
    expect(code).toBe(3)
    expect(out.split('\n')[0]).toContain('cannot be computed again')
    expect(out.split('\n')[1]).toContain(`seq ${(await seal()).seq} for bundles/faq/0.1.0`)
  })

  it('finds a controller out that let pass what the gates refuse, and says where its report differs', async () => {
    const loop = await runRealLoop(clone.registry, sealingSandbox())
    try {
      await clone.registry.commit(
        faqFiles({ 'templates/contact.j2': '{{ x.constructor }}', 'manifest.yaml': manifest('0.3.0') }),
      )
      await until(loop, () => loop.head().state.seals.get('faq/0.3.0'))
    } finally {
      await loop.stop()
    }
    const { code, gates } = await verified()
    expect(code).toBe(1)
    expect(gates.told).toMatchObject([{ kind: 'different', subject: 'bundles/faq/0.3.0' }])
    expect(gates.told[0]?.message).toMatch(/first difference is \w+/)
  })
})

function manifest(version: string): string {
  const files = faqFiles()
  return (files['bundles/faq/manifest.yaml'] ?? '').replace('bundle_version: 0.1.0', `bundle_version: ${version}`)
}

async function seal(): Promise<SealRecord> {
  return JSON.parse(await onRegistry('git show live:bundles/faq/0.1.0.json')) as SealRecord
}
