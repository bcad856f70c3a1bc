import type { SuiteResult } from '../../runtime/engine/suites.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Evidence, Gate } from './gate.ts'
import { shapeOf } from './gate.ts'

const SHOWN = 10

/** Every suite must be well formed and pass. */
export const suites: Gate = {
  name: 'suites',
  since: 1,
  judge(evidence) {
    return [...shapeOf(evidence, 'suites'), ...evidence.suites.flatMap((result) => failuresOf(result, evidence))]
  },
}

function failuresOf(result: SuiteResult, { bundle, prefix }: Evidence): Finding[] {
  if (result.verdict === 'pass' || bundle === null) return []
  const path = pathOf(result, bundle.suites)
  const place = (index: number) => bundle.at(path, ['cases', index])
  const findings = result.failures.slice(0, SHOWN).map((failure): Finding => ({
    gate: 'suites',
    code: 'SUITE_FAILED',
    severity: 'error',
    path: `${prefix}${path}`,
    ...place(failure.index),
    message: `${result.suite}: case "${failure.name}" expected ${show(failure.expected)}, got ${show(failure.actual)}.`,
    hint: 'Run `contractor test` to see why, then correct the bundle or the case.',
  }))
  const hidden = result.failures.length - findings.length
  if (hidden > 0) {
    const message = `${result.suite}: ${hidden} more cases fail; ${result.passed} of ${result.cases} pass.`
    findings.push({ ...findings[0]!, line: 1, column: 1, message })
  }
  return findings
}

function pathOf(result: SuiteResult, files: ReadonlyMap<string, { suite: string }>): string {
  for (const [path, suite] of files) if (suite.suite === result.suite) return path
  return 'suites'
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
