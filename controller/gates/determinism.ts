import type { SuiteResult } from '../../runtime/engine/suites.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Gate } from './gate.ts'
import type { GateReport } from './report.ts'

/** Every case twice, in another order and in another process, must give the same result to the byte. */
export const determinism: Gate = {
  name: 'determinism',
  since: 1,
  judge: ({ suites, suitesReversed, prefix }) =>
    suitesReversed === null ? [] : differences(suites, suitesReversed, prefix),
}

/** A report of which only the repetition was missing, with what it says: `again` are the results of the other process. */
export function withRepetition(report: GateReport, again: readonly SuiteResult[]): GateReport {
  const found = differences(report.suites, again, `bundles/${report.bundle}/`)
  if (found.length === 0) return report
  const findings = report.ran.flatMap(({ gate }) =>
    gate === determinism.name ? found : report.findings.filter((finding) => finding.gate === gate),
  )
  const ran = report.ran.map((one) => (one.gate === determinism.name ? { ...one, verdict: 'fail' as const } : one))
  return { ...report, verdict: 'fail', ran, findings }
}

function differences(suites: readonly SuiteResult[], again: readonly SuiteResult[], prefix: string): Finding[] {
  const [most, least] = suites.length < again.length ? [again, suites] : [suites, again]
  return most
    .filter((result, index) => JSON.stringify(result) !== JSON.stringify(least[index]))
    .map((result) => ({
      gate: 'determinism',
      code: 'NOT_DETERMINISTIC',
      severity: 'error',
      path: `${prefix}suites`,
      line: 1,
      column: 1,
      message: `${result.suite}: the same cases in another order and another process gave another result.`,
      hint: 'Remove what makes an answer depend on the questions before it.',
    }))
}
