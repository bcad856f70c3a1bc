import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BehaviourChanges } from '../../../controller/cli/judge/check-result.ts'
import { faqFiles, openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'

describe('contractor diff', () => {
  let clone: AuthorClone
  beforeAll(async () => {
    clone = await openAuthorClone()
    const next = (text: string) => text.replace('0.1.0', '0.2.0')
    const renamed = (text: string) => text.replace('name: contact', 'name: reach_us')
    await clone.write(
      faqFiles({
        'manifest.yaml': next,
        'ontology/ontology.yaml': renamed,
        'templates/opening_hours.j2': 'Always.\n',
      }),
    )
  }, 60_000)
  afterAll(() => clone.close())

  async function diff(args: string[] = [], options: Record<string, string | boolean> = {}) {
    const { code, out } = await clone.run('diff', ['faq', ...args], { json: true, ...options })
    return { code, ...(JSON.parse(out) as BehaviourChanges) }
  }

  it('compares the work tree with the sealed version before it', async () => {
    const { code, from, to, class: change, changes, behaviour, tenants } = await diff()
    expect(code).toBe(0)
    expect([from, to, change]).toEqual(['0.1.0', '0.2.0', 'major'])
    expect(changes[0]).toMatchObject({ class: 'major', subject: 'intents/contact' })
    expect(behaviour.counts.output).toBeGreaterThan(8)
    expect(behaviour.intents.map(({ intent }) => intent).sort()).toEqual(['contact', 'reach_us'])
    expect(tenants).toEqual(['acme'])
  })

  it('finds no difference of a version with itself, by whatever name', async () => {
    for (const [a, b] of [
      ['0.1.0', 'HEAD'],
      ['HEAD', '0.1.0'],
      ['.', '.'],
    ] as const)
      expect((await diff([a, b])).behaviour.changes).toEqual([])
  })

  it('asks the questions of a file, and names them by their lines alone', async () => {
    const file = join(clone.root, '.git', 'requests.jsonl')
    await writeFile(
      file,
      '{"input":{"question":"When are you open?"},"intent":null}\n\n{"question":"Tell me a joke"}\n',
    )
    const { behaviour } = await diff([], { inputs: file })
    expect(behaviour).toMatchObject({ probes: 2, changes: [{ kind: 'output', probe: { from: 'line 1' } }] })
  })

  it('says the same for people and for a pull request', async () => {
    const pretty = (await clone.run('diff', ['faq'])).out
    expect(pretty).toContain('faq 0.1.0 → 0.2.0  major change')
    expect(pretty).toMatch(/- opening_hours .*We are open/)
    expect(pretty).toMatch(/\+ opening_hours .*Always\./)
    expect((await clone.run('diff', ['faq'], { format: 'markdown' })).out).toContain('A **MAJOR** change')
  })

  it.each([
    ['a version that is not sealed', ['9.9.9'], {}],
    ['a revision that git does not know', ['nowhere'], {}],
    ['a bundle that is not there', [], { bundle: 'nothing' }],
    ['a file that is not there', [], { inputs: 'nowhere.jsonl' }],
  ])('ends with 2 for %s', async (_what, args, { bundle = 'faq', ...options }: Record<string, string>) => {
    expect((await clone.run('diff', [bundle, ...args], options)).code).toBe(2)
  })
})
