import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lintRouting } from '../../../controller/cli/bundle/lint-routing.ts'
import { parseBundle } from '../../../runtime/bundle/parse.ts'
import { openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'
import { faq } from '../../support/scaffold.ts'

function lint(change: (ontology: string) => string) {
  const { bundle } = parseBundle(faq({ 'ontology/ontology.yaml': change }), 'bundles/faq/')
  return lintRouting({ name: 'faq', parsed: bundle! })
}

/** One more utterance of `contact`, before those that it has. */
const contactToo = (utterance: string) => (text: string) =>
  text.replace(/(- name: contact[^]*?utterances:\n)/, `$1      - ${utterance}\n`)

describe('the lint of routing', () => {
  it('names an utterance under two intents at its place, as a warning', () => {
    const changed = contactToo('when are you open')
    const line =
      changed(faq().get('ontology/ontology.yaml')!.toString()).split('\n').indexOf('      - When are you open?') + 1
    const found = lint(changed).findings
    expect(found).toContainEqual(
      expect.objectContaining({ severity: 'warning', path: 'bundles/faq/ontology/ontology.yaml', line }),
    )
    expect(found.map(({ severity }) => severity)).not.toContain('error')
  })

  it('names the words that draw utterances to another intent', () => {
    const { findings, leaveOneOut } = lint(contactToo('On Monday is the office open in the morning'))
    expect(findings.some(({ severity, message }) => severity === 'note' && message.includes('On Monday'))).toBe(true)
    expect(
      findings.some(({ message }) =>
        /goe?s? to "opening_hours" when (it is )?left out, by the words: .*open/.test(message),
      ),
    ).toBe(true)
    expect(leaveOneOut.accuracy).toBeLessThan(1)
  })
})

describe('contractor test', () => {
  let clone: AuthorClone
  beforeAll(async () => {
    clone = await openAuthorClone()
  })
  afterAll(() => clone.close())

  it('lints when it is asked to, and a warning is no failure', async () => {
    const { code, out } = await clone.run('test', ['faq'], { json: true, lint: true })
    const result = JSON.parse(out) as Record<string, unknown>
    expect({ code, verdict: result['verdict'] }).toEqual({ code: 0, verdict: 'pass' })
    expect(result['leave_one_out']).toMatchObject({ faq: { utterances: expect.any(Number) as number } })
    const plain = await clone.run('test', ['faq'], { json: true })
    expect(JSON.parse(plain.out)).toMatchObject({ findings: [], leave_one_out: result['leave_one_out'] })
    const filtered = await clone.run('test', ['faq'], { json: true, filter: 'nothing has this name' })
    expect(JSON.parse(filtered.out)).not.toHaveProperty('leave_one_out')
    expect((await clone.run('test', ['faq'], { lint: true })).out).toContain('leave-one-out')
  })

  it('draws the curve of thresholds into the file that is named', async () => {
    const asked = { suggestThresholds: true, svg: 'curve.svg' }
    expect((await clone.run('test', ['faq'], asked)).code).toBe(0)
    expect(await readFile(join(clone.root, 'curve.svg'), 'utf8')).toMatch(/^<svg [^]*<\/svg>\n?$/)
    expect((await clone.run('test', ['faq'], { svg: 'curve.svg' })).code).toBe(2)
  })
})
