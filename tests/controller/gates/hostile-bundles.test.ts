import { afterAll, describe, expect, it } from 'vitest'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import { compileContract } from '../../../runtime/engine/contract.ts'
import { FORMATS } from '../../../runtime/engine/schema/formats.ts'
import { openSandbox } from '../../../controller/gates/sandbox.ts'
import { faq, RULES } from '../../support/scaffold.ts'
import { HOSTILE_FILES, type HostileFile } from '../../fixtures/hostile-bundles.ts'

const MOST_MS = 2_000
const request = ({ path, text }: HostileFile) => ({
  files: new Map([...faq({ [path]: 'x' }), [path, Buffer.from(text)]]),
  name: 'faq',
  rules: RULES,
  sealed: [],
  previous: null,
})

/** Processor time of this process, so that what else runs on the machine does not count. */
const spentMs = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1_000
}

describe('the gates', () => {
  it.each(HOSTILE_FILES.map((file) => [file.what, file] as const))('refuse %s', (_what, file) => {
    const since = process.cpuUsage()
    const { report, sealed } = judgeBundle(request(file))
    expect(spentMs(since)).toBeLessThan(MOST_MS)
    expect(sealed === null || report.verdict === 'fail').toBe(true)
    expect(report.verdict).toBe('fail')
    const codes = report.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)
    expect(codes.filter((code) => file.codes.includes(code))).not.toEqual([])
  })

  it('leave nothing behind in the process that judges', () => {
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

it('the corpus holds every item of its three lists', () => {
  const listed = [
    ...['01', '02', '03', '04', '05', '07', '08', '09', '10', '11', '12', '13', '15', '16', '17', '19', '20', '21'].map(
      (number) => `E${number}`,
    ),
    ...['01', '02', '03', '04', '05', '06', '07', '08', '10', '12', '15', '16', '17', '18', '20'].map(
      (number) => `F${number}`,
    ),
    'G a',
  ]
  const held = new Set(HOSTILE_FILES.map(({ what }) => /[EFG](?:\d\d| a)/.exec(what)?.[0]))
  expect(listed.filter((id) => !held.has(id))).toEqual([])
})

describe('what is no fault of a schema does no harm', () => {
  it('F13 a default fills nothing in, and no text becomes a number', () => {
    const check = compileContract({
      type: 'object',
      properties: { role: { type: 'string', default: 'admin' }, age: { type: 'integer', default: 1 } },
    })
    const question = { age: '1' }
    expect(check(question)).toHaveLength(1)
    expect(check({})).toEqual([])
    expect(question).toEqual({ age: '1' })
  })

  it('F16 no text of a schema runs as code', () => {
    const code = '*/process.exitCode=66/*'
    const quote = '"];process.exitCode=66;//'
    for (const text of [code, quote, "'+(process.exitCode=66)+'", '${process.exitCode=66}']) {
      const schema = {
        $comment: text,
        title: text,
        type: 'object',
        properties: { [text]: { enum: [text, 1] }, b: { const: text }, c: { type: 'string', description: text } },
        required: [text],
      }
      compileContract(schema)({ [text]: 2, b: text })
    }
    expect(process.exitCode).toBeUndefined()
  })

  it('F18 no format is slow about fifty thousand hostile characters', () => {
    const check = compileContract({
      type: 'object',
      properties: Object.fromEntries(Object.keys(FORMATS).map((format) => [format, { type: 'string', format }])),
    })
    for (const text of ['a@'.repeat(25_000), '1.'.repeat(25_000), 'http://'.repeat(7_000), '0'.repeat(50_000)]) {
      const since = process.cpuUsage()
      for (const format of Object.keys(FORMATS)) check({ [format]: text })
      expect(spentMs(since)).toBeLessThan(MOST_MS)
    }
  })
})

describe('the sandbox', () => {
  const sandbox = openSandbox()
  afterAll(() => sandbox.stop())

  it('refuses hostile bundles and passes a healthy one beside them', async () => {
    const kinds = [
      'E01 YAML with billion laughs',
      'F06 a schema with references in a circle',
      'F05 a schema with branches that double at every level',
    ]
    const hostile = HOSTILE_FILES.filter(({ what }) => kinds.includes(what))
    const healthy = { files: faq(), name: 'faq', rules: RULES, sealed: [], previous: null }
    const outcomes = await Promise.all([...hostile.map(request), healthy].map((each) => sandbox.judge(each)))
    expect(outcomes.map(({ report }) => report.verdict)).toEqual(['fail', 'fail', 'fail', 'pass'])
    for (const { report } of outcomes.slice(0, -1))
      expect(report.findings.map(({ code }) => code)).not.toContain('GATE_CRASHED')
  })
})
