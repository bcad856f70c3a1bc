import { isDeepStrictEqual } from 'node:util'
import { Fault } from '../../schemas/fault.ts'
import type { Explanation } from '../../schemas/http/execute.ts'
import type { Expectation, Suite, SuiteCase } from '../../schemas/registry/suite.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { LoadedBundle } from '../bundle/load.ts'
import { traceCoverage, type Coverage, type CoverageTrace } from './coverage.ts'
import { admit, answer, route, type ExecutionRequest } from './execute.ts'

export type CaseFailure = {
  /** Position in the suite's file, from 0. */
  index: number
  name: string
  expected: Expectation
  /** The part of the answer that was expected otherwise, or `reason_code` of the refusal. */
  actual: Record<string, unknown>
  /** Why the question went where it went; for the first failures of a suite only. */
  routing?: Explanation
}

export type SuiteResult = {
  bundle: string
  suite: string
  kind: Suite['kind']
  cases: number
  /** Cases that passed. */
  passed: number
  /** `passed` of `cases`, 0 to 1. */
  accuracy: number
  /** 1 where the suite names none: then every case must pass. */
  min_accuracy: number
  verdict: 'pass' | 'fail'
  failures: CaseFailure[]
}

export type SuiteOptions = {
  /** `reversed` runs the cases in the other direction; the results are the same if the bundle is deterministic. */
  order: 'given' | 'reversed'
  /** Only cases whose name contains this text; suites without such a case are left out. */
  filter?: string
}

const MOST_EXPLAINED = 100

/** Runs every suite of a bundle through the pipeline, as an engineer would (`draft`), with the tenant's `values`. */
export function runSuites(bundle: LoadedBundle, values: Values, options: SuiteOptions): SuiteResult[] {
  return judgeSuites(bundle, values, options).suites
}

/** `runSuites`, and what no case touched. */
export function judgeSuites(
  bundle: LoadedBundle,
  values: Values,
  { order, filter = '' }: SuiteOptions,
): { suites: SuiteResult[]; untouched: Coverage } {
  const trace = traceCoverage(bundle)
  const suites = [...suitesOf(bundle).values()]
    .map((suite) => runSuite({ bundle, values, trace }, suite, order, filter))
    .filter(({ cases }) => filter === '' || cases > 0)
  return { suites, untouched: trace.untouched() }
}

type Run = { bundle: LoadedBundle; values: Values; trace: CoverageTrace }

/** The suites of a bundle by path, in the order of their paths. */
export function suitesOf(bundle: LoadedBundle): ReadonlyMap<string, Suite> {
  const paths = [...bundle.files.keys()].filter((path) => /^suites\/[^/]+\.json$/.test(path)).sort()
  return new Map(paths.map((path) => [path, JSON.parse(bundle.files.get(path)!.toString('utf8')) as Suite]))
}

function runSuite(run: Run, suite: Suite, order: SuiteOptions['order'], filter: string): SuiteResult {
  const { bundle } = run
  const chosen = [...suite.cases.entries()].filter(([, { name }]) => name.includes(filter))
  if (order === 'reversed') chosen.reverse()
  const failures = chosen.flatMap(([index, one]) => failureOf(run, one, index)).sort((a, b) => a.index - b.index)
  const cases = chosen.length
  const passed = cases - failures.length
  const { min_accuracy = 1 } = suite
  return {
    bundle: bundle.name,
    suite: suite.suite,
    kind: suite.kind,
    cases,
    passed,
    accuracy: cases === 0 ? 1 : passed / cases,
    min_accuracy,
    verdict: passed >= min_accuracy * cases - 1e-9 ? 'pass' : 'fail',
    failures: failures.map((failure, position) => explained(bundle, failure, suite, position)),
  }
}

function failureOf(run: Run, { name, input, expect }: SuiteCase, index: number): CaseFailure[] {
  const actual = answerTo(run, { input, intent: null, alias: 'draft', explain: false }, expect)
  const holds = Object.entries(expect).every(([field, wanted]) => isMet(field as keyof Expectation, wanted, actual))
  if (holds) return []
  return [{ index, name, expected: expect, actual: shown(expect, actual) }]
}

type Actual = { intent?: string; outcome?: string; score?: number; output?: unknown; reason_code?: string }

/** Only as much of the pipeline runs as the case asks about. */
function answerTo({ bundle, values, trace }: Run, request: ExecutionRequest, expect: Expectation): Actual {
  try {
    admit(bundle, request)
    trace.admitted()
    const routed = route(bundle, request)
    trace.routed(routed.intent)
    const actual = {
      intent: routed.intent,
      outcome: routed.outcome,
      ...(routed.routing && { score: routed.routing.score }),
    }
    if (expect.output === undefined) return actual
    const { output } = answer(bundle, request, routed, values, trace.visit)
    trace.answered(routed.intent)
    return { ...actual, output }
  } catch (error) {
    if (error instanceof Fault) return { reason_code: error.reason }
    throw error
  }
}

function isMet(field: keyof Expectation, wanted: unknown, actual: Actual): boolean {
  switch (field) {
    case 'min_score':
      return actual.score !== undefined && actual.score >= (wanted as number)
    case 'max_score':
      return actual.score !== undefined && actual.score <= (wanted as number)
    default:
      return isDeepStrictEqual(actual[field], wanted)
  }
}

function shown(expect: Expectation, { reason_code, score, ...actual }: Actual): Record<string, unknown> {
  if (reason_code !== undefined) return { reason_code }
  const fields = new Set(Object.keys(expect))
  const asksScore = fields.has('min_score') || fields.has('max_score')
  return {
    ...Object.fromEntries(Object.entries(actual).filter(([field]) => fields.has(field))),
    ...(asksScore && { score }),
  }
}

function explained(bundle: LoadedBundle, failure: CaseFailure, suite: Suite, position: number): CaseFailure {
  const question = suite.cases[failure.index]?.input[bundle.ontology.routing.question]
  if (position >= MOST_EXPLAINED || typeof question !== 'string') return failure
  const { score, threshold, matched, ambiguous, detail } = bundle.router.explain(question)
  const routing = { score, threshold, matched, ...(ambiguous.length > 0 && { ambiguous }), detail }
  return { ...failure, routing }
}
