import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CheckResult } from '../../../controller/cli/judge/check-result.ts'
import type { GateReport } from '../../../controller/gates/report.ts'
import { openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'

const KEPT: GateReport['ran'] = [{ gate: 'layout', verdict: 'warn' }]

const RULES = `registry: acme
runtime: { version: 1.0.0 }
compiler: 1
gates: 1
promotion:
  candidate: { approvals: 0 }
  current: { from: candidate, approvals: 1 }
`

let clone: AuthorClone
beforeAll(async () => {
  clone = await openAuthorClone()
}, 60_000)
afterAll(() => clone.close())
beforeEach(async () => {
  await clone.git('git reset -q --hard origin/main && git clean -qfd')
  await rm(folder(), { recursive: true, force: true })
})

const folder = () => join(clone.root, '.git/contractor/verdicts')

async function check(options: Record<string, boolean> = {}) {
  const { out } = await clone.run('check', [], { json: true, ...options })
  return JSON.parse(out) as CheckResult
}

/** Checks, and then makes the kept verdict one that no gates would give, so that it is told apart. */
async function checkAndMark(mark: (text: string) => string = marked): Promise<CheckResult> {
  const result = await check()
  const names = await readdir(folder())
  expect(names).toHaveLength(1)
  const path = join(folder(), names[0]!)
  await writeFile(path, mark(await readFile(path, 'utf8')))
  return result
}

function marked(text: string): string {
  const { report, made } = JSON.parse(text) as { report: GateReport; made: unknown }
  return JSON.stringify({ report: { ...report, ran: KEPT }, made })
}

describe('verdicts that a clone keeps', () => {
  it('are taken where bundle, rules, seals and code are the same', async () => {
    const { bundles, ...first } = await checkAndMark()
    const { bundles: again, ...second } = await check()
    expect(again).toMatchObject([{ ran: KEPT, digest: bundles[0]!.digest }])
    expect(second).toEqual(first)
  })

  it('are not taken with --anew', async () => {
    const first = await checkAndMark()
    expect(await check({ anew: true })).toEqual(first)
  })

  it.each([
    ['a file of the bundle', { 'bundles/faq/templates/contact.j2': 'Write to {{ facts.email }}!\n' }],
    ['a new file in it', { 'bundles/faq/README.md': 'New.\n' }],
    ['registry.yaml', { 'registry.yaml': `${RULES}raise: [budget]\n` }],
  ])('are not taken where %s changed', async (_what, change) => {
    await checkAndMark()
    await clone.write(change)
    // With a pinned root the rules are those in force, which are not the ones of the work tree.
    await clone.git('git config --unset contractor.trust')
    const { bundles } = await check()
    await clone.git(`git config contractor.trust ${join(clone.registry.folder, 'root.json')}`)
    expect(bundles).toHaveLength(1)
    expect(bundles[0]!.ran).not.toEqual(KEPT)
  })

  it.each([
    ['is cut off', (text: string) => text.slice(0, -10)],
    [
      'holds other sealed files than its report names',
      (text: string) => text.replace(/sha256:[0-9a-f]{64}/g, `sha256:${'0'.repeat(64)}`),
    ],
  ])('are judged again where one %s', async (_what, damage) => {
    const first = await checkAndMark(damage)
    expect(await check()).toEqual(first)
  })

  it('say fail of what failed', async () => {
    await clone.write({ 'bundles/faq/ontology/ontology.yaml': 'intents: [\n' })
    const first = await checkAndMark()
    expect(first.verdict).toBe('fail')
    const { bundles, findings } = await check()
    expect(bundles).toMatchObject([{ verdict: 'fail', ran: KEPT }])
    expect(findings).toEqual(first.findings)
  })
})
