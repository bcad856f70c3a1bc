import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTryApp } from '../../../controller/cli/bundle/try-page.ts'
import type { SuiteResult } from '../../../runtime/engine/suites.ts'
import type { Coverage } from '../../../runtime/engine/coverage.ts'
import type { Suite } from '../../../schemas/registry/suite.ts'
import { openAuthorClone, type AuthorClone } from '../../support/author-clone.ts'

let clone: AuthorClone
beforeAll(async () => {
  clone = await openAuthorClone()
}, 60_000)
afterAll(() => clone.close())
afterEach(() => clone.git('git reset -q --hard origin/main && git clean -qfd'))

const fileOf = (path: string) => readFile(join(clone.root, 'bundles/faq', path), 'utf8')
const suiteOf = async (path: string) => JSON.parse(await fileOf(path)) as Suite

describe('contractor test', () => {
  async function test(options: Record<string, string | boolean> = {}) {
    const { code, out } = await clone.run('test', ['faq'], { json: true, ...options })
    return { code, ...(JSON.parse(out) as { suites: SuiteResult[]; untouched: Record<string, Coverage> }) }
  }

  it('runs every suite, and names what no case touches', async () => {
    const { code, suites, untouched } = await test()
    expect(code).toBe(0)
    expect(suites.map(({ suite, verdict }) => [suite, verdict])).toEqual([
      ['golden', 'pass'],
      ['routing', 'pass'],
      ['threshold', 'pass'],
    ])
    expect(untouched['faq']).toMatchObject({ intents: [], templates: [], entities: [] })
    await clone.write({ 'bundles/faq/suites/golden.json': null })
    expect((await test()).untouched['faq']).toMatchObject({ entities: ['answer'] })
  })

  it('runs the cases that a filter names', async () => {
    const { suites } = await test({ filter: 'in scope' })
    expect(suites).toMatchObject([{ suite: 'threshold', cases: 1 }])
  })

  it('shows of a failing case what was expected, what came, and the words that decided', async () => {
    await clone.write({ 'bundles/faq/templates/opening_hours.j2': 'We are always open.\n' })
    const { code, out } = await clone.run('test', ['faq'])
    expect(code).toBe(1)
    expect(out).toMatch(/- output\.answer: "We are open from 09:00 to 17:00, Monday to Friday\."/)
    expect(out).toMatch(/\+ output\.answer: "We are always open\."/)
    expect(out).toMatch(/best: opening_hours, for .*(?:opening|hours) \+0\.\d/)
  })

  it('rewrites what golden cases expect, and nothing else of the file', async () => {
    const before = await fileOf('suites/golden.json')
    await clone.write({ 'bundles/faq/templates/opening_hours.j2': 'We are always open.\n' })
    const { code, out } = await clone.run('test', ['faq'], { update: true })
    expect(code).toBe(0)
    expect(out).toContain('1 expected output(s) rewritten')
    expect(await fileOf('suites/golden.json')).toBe(
      before.replace('We are open from 09:00 to 17:00, Monday to Friday.', 'We are always open.'),
    )
    expect((await test()).code).toBe(0)
  })

  it('leaves a golden case alone that another intent answers', async () => {
    const golden = (await fileOf('suites/golden.json')).replace('"opening_hours"', '"contact"')
    await clone.write({ 'bundles/faq/suites/golden.json': golden })
    expect((await clone.run('test', ['faq'], { update: true })).code).toBe(1)
    expect(await fileOf('suites/golden.json')).toBe(golden)
  })

  it('proposes a threshold from the suites', async () => {
    const { code, out } = await clone.run('test', ['faq'], { json: true, suggestThresholds: true })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ suggestions: [{ bundle: 'faq', now: 0.35, cases: 6 }] })
  })

  it('says where a bundle that does not parse is wrong', async () => {
    await clone.write({ 'bundles/faq/suites/golden.json': '{' })
    const { code, out } = await clone.run('test', ['faq'], { json: true })
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      error: { findings: [{ path: 'bundles/faq/suites/golden.json', line: 1 }] },
    })
  })
})

describe('contractor try', () => {
  it('answers as the Runtime would, and says why', async () => {
    const { code, out } = await clone.run('try', ['faq', 'When do you open?'], { json: true })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      bundle: { name: 'faq', version: '0.1.0', digest: clone.digest },
      intent: 'opening_hours',
      outcome: 'answered',
      output: { answer: 'We are open from 09:00 to 17:00, Monday to Friday.' },
      routing: { detail: { best: 'opening_hours' } },
    })
  })

  it('saves a question that went wrong as a case that expects what should have answered', async () => {
    const { code } = await clone.run('try', ['faq', 'Tell me a joke about bread'], {
      save: 'routing',
      intent: 'contact',
    })
    expect(code).toBe(0)
    const { cases } = await suiteOf('suites/routing.json')
    expect(cases.at(-1)).toEqual({
      name: 'tell me a joke about bread',
      input: { question: 'Tell me a joke about bread' },
      expect: { intent: 'contact' },
    })
    expect((await clone.run('test', ['faq'], { filter: 'joke' })).code).toBe(1)
  })

  it('saves what answers now with its output in a golden suite, under a name that is free', async () => {
    for (let times = 2; times > 0; times -= 1) await clone.run('try', ['faq', 'When do you open?'], { save: 'golden' })
    const { cases } = await suiteOf('suites/golden.json')
    expect(cases.slice(3).map(({ name, expect: expected }) => [name, expected.intent, expected.output])).toEqual([
      ['when do you open?', 'opening_hours', { answer: 'We are open from 09:00 to 17:00, Monday to Friday.' }],
      ['when do you open? (2)', 'opening_hours', { answer: 'We are open from 09:00 to 17:00, Monday to Friday.' }],
    ])
  })

  it('makes the suite where there is none, and passes its own case', async () => {
    expect((await clone.run('try', ['faq', 'What is the capital of France?'], { save: 'from-production' })).code).toBe(
      0,
    )
    expect(await suiteOf('suites/from-production.json')).toMatchObject({ kind: 'routing', cases: [{}] })
    expect((await clone.run('test', ['faq'])).code).toBe(0)
  })

  it.each([
    ['an intent that is not there', { save: 'routing', intent: 'nothing' }],
    ['a suite that could be no file', { save: '../routing' }],
    ['an intent without a suite', { intent: 'contact' }],
  ])('refuses %s', async (_what, options) => {
    expect((await clone.run('try', ['faq', 'Hello'], options)).code).toBe(2)
  })
})

describe('the page of contractor try --serve', () => {
  const app = createTryApp({
    token: 'secret',
    host: () => '127.0.0.1:8000',
    ask: (question) => Promise.resolve({ intent: question } as never),
  })
  const ask = (headers: Record<string, string>) =>
    app.request('/ask', { method: 'POST', body: '{"question":"hi"}', headers: { host: '127.0.0.1:8000', ...headers } })

  it('answers the page that it served', async () => {
    const response = await ask({ 'x-try-token': 'secret' })
    expect(await response.json()).toEqual({ intent: 'hi' })
  })

  it('answers no other site, by any name that leads here', async () => {
    expect((await ask({})).status).toBe(403)
    expect((await ask({ 'x-try-token': 'other' })).status).toBe(403)
    expect((await ask({ host: 'evil.example:8000', 'x-try-token': 'secret' })).status).toBe(403)
    expect((await app.request('/', { headers: { host: 'evil.example' } })).status).toBe(403)
  })

  it('runs no script but its own', async () => {
    const response = await app.request('/', { headers: { host: '127.0.0.1:8000' } })
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; .*script-src 'nonce-[0-9a-f]{32}'/,
    )
  })
})
