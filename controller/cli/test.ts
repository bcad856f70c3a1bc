import type { Coverage } from '../../runtime/engine/coverage.ts'
import { judgeSuites, type SuiteResult } from '../../runtime/engine/suites.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { optionText, type Call, type CommandSpec } from './command.ts'
import { formatFindings } from './findings.ts'
import { diffLines, formatCoverage, formatSuite } from './formats/suites.ts'
import { goldenUpdates, writeGoldens, type GoldenUpdate } from './bundle/golden-outputs.ts'
import { lintRouting, type LeaveOneOut, type RoutingLint } from './bundle/lint-routing.ts'
import { openLocalBundles, type LocalBundle, type LocalBundles } from './bundle/local-bundle.ts'
import { formatSuggestions, suggestFor, writeChart } from './bundle/suggest-thresholds.ts'
import { readTenantValues, VALUES_OPTION } from './bundle/tenant-values.ts'
import { WATCH_OPTION, watchClone } from './clone/watch-clone.ts'
import type { Values } from '../../schemas/registry/tenant.ts'

/**
 * What `test --json` prints (DESIGN section 7). `untouched` is by bundle, and left out with a filter. So is
 * `leave_one_out`, where it takes no more than a second or `--lint` asks for it; findings are there with `--lint`.
 */
type TestResult = {
  verdict: 'pass' | 'fail'
  findings: Finding[]
  suites: SuiteResult[]
  untouched: Record<string, Coverage>
  leave_one_out?: Record<string, LeaveOneOut>
}

/** So many utterances are left out, one at a time, in about two seconds. */
const QUICKLY_EXAMINED = 1_000

export const test: CommandSpec = {
  name: 'test',
  summary: 'run the suites of a bundle, or of all bundles',
  args: [['[bundle]', 'name of a folder under bundles/']],
  options: [
    ['--filter <text>', 'only cases whose name contains this text'],
    ['--update', 'show how answers differ from the outputs that golden cases expect, and expect them from now on'],
    ['--lint', 'say what makes questions go astray, and examine bundles of over 1,000 utterances too'],
    ['--suggest-thresholds', 'propose a threshold from what the suites expect'],
    ['--svg <file>', 'with --suggest-thresholds: draw what each threshold keeps and catches, for one bundle'],
    VALUES_OPTION,
    WATCH_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const clone = await openClone(call)
    const bundles = openLocalBundles(clone)
    const values = await readTenantValues(call, clone)
    const { terminal, options } = call
    if (options['svg'] !== undefined && options['suggestThresholds'] !== true)
      throw new Fault('USAGE', '--svg draws what --suggest-thresholds proposes: give both.')
    if (options['watch'] === true)
      return watchClone(call, clone, async () => formatResult(call, (await runAll(call, bundles, values)).result))
    const { result, compiled } = await runAll(call, bundles, values)
    if (options['update'] === true) {
      const updates = compiled.flatMap((bundle) => goldenUpdates(bundle, ofBundle(result, bundle)))
      await writeGoldens(clone, updates)
      const { result: after } = await runAll(call, bundles, values)
      if (terminal.json) terminal.out(JSON.stringify({ ...after, updates }))
      else terminal.out(`${formatUpdates(call, updates)}\n${formatResult(call, after)}`)
      return after.verdict === 'pass' ? 0 : 1
    }
    if (options['suggestThresholds'] === true) {
      const suggestions = suggestFor(compiled)
      await writeChart(call, suggestions)
      terminal.out(formatSuggestions(suggestions, terminal))
      return 0
    }
    terminal.out(formatResult(call, result))
    return result.verdict === 'pass' ? 0 : 1
  },
}

async function runAll(
  call: Call,
  bundles: LocalBundles,
  values: Values,
): Promise<{ result: TestResult; compiled: LocalBundle[] }> {
  const names = call.args[0] === undefined ? await bundles.names() : [call.args[0]]
  const filter = optionText(call, 'filter')
  const compiled: LocalBundle[] = []
  const suites: SuiteResult[] = []
  const untouched: Record<string, Coverage> = {}
  const lints = new Map<string, RoutingLint>()
  const linting = call.options['lint'] === true
  const examining = filter === undefined && call.options['watch'] !== true
  for (const name of names) {
    const bundle = await bundles.compile(name)
    const judged = judgeSuites(bundle.loaded, values, { order: 'given', ...(filter !== undefined && { filter }) })
    compiled.push(bundle)
    suites.push(...judged.suites)
    if (filter === undefined) untouched[name] = judged.untouched
    if (linting || (examining && utterancesOf(bundle) <= QUICKLY_EXAMINED)) lints.set(name, lintRouting(bundle))
  }
  const verdict = suites.every((suite) => suite.verdict === 'pass') ? 'pass' : 'fail'
  const findings = linting ? [...lints.values()].flatMap((lint) => lint.findings) : []
  const left = Object.fromEntries([...lints].map(([name, { leaveOneOut }]) => [name, leaveOneOut]))
  const result = { verdict, findings, suites, untouched, ...(lints.size > 0 && { leave_one_out: left }) } as const
  return { result, compiled }
}

const utterancesOf = ({ parsed }: LocalBundle) =>
  parsed.ontology.intents.reduce((sum, { utterances }) => sum + utterances.length, 0)

const ofBundle = ({ suites }: TestResult, { parsed }: LocalBundle) =>
  suites.filter(({ bundle }) => bundle === parsed.name)

function formatResult({ terminal }: Call, result: TestResult): string {
  if (terminal.json) return JSON.stringify(result)
  const coverage = Object.entries(result.untouched).map(([name, left]) => formatCoverage(name, left, terminal))
  const left = Object.entries(result.leave_one_out ?? {}).map(
    ([name, { utterances, accuracy }]) =>
      `${terminal.style('bold', name)} leave-one-out: ${(accuracy * 100).toFixed(1)} % of ${utterances} utterances find their intent`,
  )
  const findings = formatFindings(result.findings, terminal)
  return [findings, ...result.suites.map((suite) => formatSuite(suite, terminal)), ...coverage, ...left]
    .filter((part) => part !== '')
    .join('\n')
}

function formatUpdates({ terminal }: Call, updates: readonly GoldenUpdate[]): string {
  if (updates.length === 0) return 'Every expected output is what the bundle answers; nothing was changed.'
  const shown = updates.flatMap(({ path, name, before, after }) => [
    `${terminal.style('bold', path)}  ${name}`,
    ...diffLines({ output: before }, { output: after }).map(({ sign, text }) =>
      terminal.style(sign === '-' ? 'red' : 'green', `  ${sign} ${text}`),
    ),
  ])
  return [...shown, `${terminal.style('green', '✔')} ${updates.length} expected output(s) rewritten`].join('\n')
}
