import type { SuiteResult } from '../../../runtime/engine/suites.ts'
import type { Finding } from '../../../schemas/finding.ts'
import type { CheckedBundle, CheckResult, MergePreview } from '../judge/check-result.ts'
import { element, type Element } from './xml.ts'

/** One test: passed where it has neither a failure nor a reason to be skipped. */
type Case = { name: string; failures: string[]; type: string; skipped: string | null }

/**
 * JUnit XML: one test suite for the gates of each bundle, one for each suite of a bundle (its failing cases, and one
 * test for all that pass), one for the files outside bundles, and one for what the merge would do.
 */
export function formatJunit({ bundles, suites, findings, merge }: CheckResult): string {
  const all = [
    ...bundles.map((bundle) => suiteOf(`bundles/${bundle.bundle} ${bundle.version}`, gateCases(bundle, findings))),
    ...suites.map((suite) => suiteOf(`bundles/${suite.bundle} suite ${suite.suite}`, caseCases(suite))),
    suiteOf('registry', fileCases(findings)),
    ...(merge === null ? [] : [suiteOf('merge', mergeCases(merge, findings))]),
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element({ name: 'testsuites', attributes: {}, content: all })}\n`
}

function suiteOf(name: string, cases: readonly Case[]): Element {
  const failed = cases.filter(({ failures }) => failures.length > 0).length
  const skipped = cases.filter((one) => one.skipped !== null).length
  const counts = { tests: cases.length, failures: failed, errors: 0, skipped }
  return { name: 'testsuite', attributes: { name, ...counts }, content: cases.map((one) => caseElement(name, one)) }
}

function caseElement(classname: string, { name, failures, type, skipped }: Case): Element {
  const failure = (text: string): Element => {
    const message = text.split('\n')[0] ?? ''
    return { name: 'failure', attributes: { type, message }, content: [text] }
  }
  const content = skipped === null ? failures.map(failure) : [{ name: 'skipped', attributes: {}, content: [skipped] }]
  return { name: 'testcase', attributes: { name, classname }, content }
}

function gateCases({ bundle, ran }: CheckedBundle, findings: readonly Finding[]): Case[] {
  return ran.map(({ gate }) => {
    const own = errorsOf(findings).filter((one) => one.gate === gate && one.path.startsWith(`bundles/${bundle}`))
    return { name: gate, failures: own.map(told), type: own[0]?.code ?? 'GATE', skipped: null }
  })
}

function caseCases({ failures, passed, cases, verdict }: SuiteResult): Case[] {
  const base = { type: 'SUITE_FAILED', failures: [], skipped: null }
  const failing = failures.map(({ name, expected, actual }): Case => {
    const text = `expected ${JSON.stringify(expected)}\nactual   ${JSON.stringify(actual)}`
    if (verdict === 'pass') return { ...base, name, skipped: `within min_accuracy\n${text}` }
    return { ...base, name, failures: [text] }
  })
  return [{ ...base, name: `${passed} of ${cases} cases pass` }, ...failing]
}

function fileCases(findings: readonly Finding[]): Case[] {
  const outside = errorsOf(findings).filter(({ path, gate }) => !path.startsWith('bundles/') && gate !== 'merge')
  const paths = [...new Set(outside.map(({ path }) => path))]
  const broken = paths.map((path): Case => {
    const own = outside.filter((finding) => finding.path === path)
    return { name: path, failures: own.map(told), type: own[0]!.code, skipped: null }
  })
  return broken.length > 0
    ? broken
    : [{ name: 'files outside bundles', failures: [], type: 'FILE_INVALID', skipped: null }]
}

function mergeCases({ decisions }: MergePreview, findings: readonly Finding[]): Case[] {
  const grave = new Set(
    errorsOf(findings)
      .filter(({ gate }) => gate === 'merge')
      .map(({ message }) => message),
  )
  return decisions.map(({ subject, decision, reason_code, message }) => {
    const base = { name: subject, type: reason_code }
    if (decision === 'allow') return { ...base, failures: [], skipped: null }
    if (grave.has(message)) return { ...base, failures: [`${reason_code} ${message}`], skipped: null }
    return { ...base, failures: [], skipped: `${reason_code} ${message}` }
  })
}

const errorsOf = (findings: readonly Finding[]) => findings.filter(({ severity }) => severity === 'error')

const told = ({ path, line, column, code, message, hint }: Finding) =>
  `${path}:${line}:${column} ${code} ${message}\n${hint}`
