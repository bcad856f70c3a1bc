import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { judgeBundle } from '../../../controller/gates/evidence.ts'
import type { GateRequest } from '../../../controller/gates/judge-bundle.ts'
import { formatReport, reportDigest } from '../../../controller/gates/report.ts'
import { reportInputs, rulesRead } from '../../../controller/gates/report-inputs.ts'
import { bundleDigest, sourceDigest } from '../../../runtime/bundle/digest.ts'
import { faq, RULES } from '../../support/scaffold.ts'

const request: GateRequest = { files: faq(), name: 'faq', rules: RULES, sealed: [], previous: null }
const judged = judgeBundle(request)

describe('a report', () => {
  it('names everything that it is a function of', () => {
    expect(judged.report).toMatchObject({
      v: 1,
      gates: RULES.gates,
      compiler: RULES.compiler,
      runtime: RULES.runtime.version,
      bundle: 'faq',
      source_digest: sourceDigest(request.files),
      previous_digest: null,
      values_digest: null,
      digest: bundleDigest(judged.sealed!),
    })
  })

  it.each<[string, Partial<GateRequest>, string]>([
    ['a rule that gates read', { rules: { ...RULES, raise: ['templates'] } }, 'governance_digest'],
    [
      'a seal that existed',
      { sealed: [{ version: '0.1.0', source_digest: 'sha256:1', digest: 'sha256:2' }] },
      'seals_digest',
    ],
    ['the version before', { previous: judged.sealed! }, 'previous_digest'],
  ])('has another digest with %s', (_, change, field) => {
    const before = reportInputs(request)
    const after = reportInputs({ ...request, ...change })
    expect(after).not.toEqual(before)
    expect({ ...after, [field]: '' }).toEqual({ ...before, [field]: '' })
    expect(judgeBundle({ ...request, ...change }).report).toMatchObject(after)
  })

  it('does not change with a rule that no gate reads, nor with the order of the seals', () => {
    const a = { version: '0.1.0', source_digest: 'sha256:1', digest: 'sha256:2' }
    const b = { version: '0.2.0', source_digest: 'sha256:3', digest: 'sha256:4' }
    const rules = { ...RULES, rollback: { approvals: 7, within: 'P1D' } }
    expect(rulesRead(rules)).toEqual(rulesRead(RULES))
    expect(judgeBundle({ ...request, rules, sealed: [a, b] }).report).toEqual(
      judgeBundle({ ...request, sealed: [b, a] }).report,
    )
  })

  it('has as its digest what sha256sum says of its bytes, which are sorted JSON on one line', () => {
    const bytes = formatReport(judged.report)
    const [hex] = execFileSync('sha256sum', { input: bytes, encoding: 'utf8' }).split(' ')
    expect(reportDigest(bytes)).toBe(`sha256:${hex}`)
    const keys = Object.keys(JSON.parse(bytes.toString('utf8')) as object)
    expect(keys).toEqual([...keys].sort())
    expect(bytes.indexOf('\n')).toBe(bytes.length - 1)
  })
})
