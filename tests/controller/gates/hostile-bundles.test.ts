import { afterAll, describe, expect, it } from 'vitest'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import { openSandbox } from '../../../controller/gates/sandbox.ts'
import { faq, RULES } from '../../support/scaffold.ts'
import { HOSTILE_FILES, type HostileFile } from '../../fixtures/hostile-bundles.ts'

const MOST_MS = 2_000
const request = ({ path, text }: HostileFile) => ({
  files: faq({ [path]: text }),
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

describe('the sandbox', () => {
  const sandbox = openSandbox()
  afterAll(() => sandbox.stop())

  it('refuses hostile bundles and passes a healthy one beside them', async () => {
    const kinds = [
      'YAML with billion laughs',
      'a schema with references in a circle',
      'a schema with branches that double at every level',
    ]
    const hostile = HOSTILE_FILES.filter(({ what }) => kinds.includes(what))
    const healthy = { files: faq(), name: 'faq', rules: RULES, sealed: [], previous: null }
    const outcomes = await Promise.all([...hostile.map(request), healthy].map((each) => sandbox.judge(each)))
    expect(outcomes.map(({ report }) => report.verdict)).toEqual(['fail', 'fail', 'fail', 'pass'])
    for (const { report } of outcomes.slice(0, -1))
      expect(report.findings.map(({ code }) => code)).not.toContain('GATE_CRASHED')
  })
})
