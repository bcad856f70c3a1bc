import type { Coverage } from '../../runtime/engine/coverage.ts'
import { judgeSuites, type SuiteResult } from '../../runtime/engine/suites.ts'
import { CLONE_OPTION, openClone } from './clone.ts'
import { optionText, type Call, type CommandSpec } from './command.ts'
import { diffLines, formatCoverage, formatSuite } from './formats/suites.ts'
import { goldenUpdates, writeGoldens, type GoldenUpdate } from './golden-outputs.ts'
import { openLocalBundles, type LocalBundle, type LocalBundles } from './local-bundle.ts'
import { suggestFor } from './suggest-thresholds.ts'
import { readTenantValues, VALUES_OPTION } from './tenant-values.ts'
import { WATCH_OPTION, watchClone } from './watch-clone.ts'
import type { Values } from '../../schemas/registry/tenant.ts'

/** What `test --json` prints (DESIGN section 7). `untouched` is by bundle, and left out with a filter. */
type TestResult = {
  verdict: 'pass' | 'fail'
  findings: []
  suites: SuiteResult[]
  untouched: Record<string, Coverage>
}

export const test: CommandSpec = {
  name: 'test',
  summary: 'run the suites of a bundle, or of all bundles',
  args: [['[bundle]', 'name of a folder under bundles/']],
  options: [
    ['--filter <text>', 'only cases whose name contains this text'],
    ['--update', 'show how answers differ from the outputs that golden cases expect, and expect them from now on'],
    ['--suggest-thresholds', 'propose a threshold from what the suites expect'],
    VALUES_OPTION,
    WATCH_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const clone = await openClone(call)
    const bundles = openLocalBundles(clone)
    const values = await readTenantValues(call, clone)
    const { terminal, options } = call
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
      terminal.out(suggestFor(compiled, terminal))
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
  for (const name of names) {
    const bundle = await bundles.compile(name)
    const judged = judgeSuites(bundle.loaded, values, { order: 'given', ...(filter !== undefined && { filter }) })
    compiled.push(bundle)
    suites.push(...judged.suites)
    if (filter === undefined) untouched[name] = judged.untouched
  }
  const verdict = suites.every((suite) => suite.verdict === 'pass') ? 'pass' : 'fail'
  return { result: { verdict, findings: [], suites, untouched }, compiled }
}

const ofBundle = ({ suites }: TestResult, { parsed }: LocalBundle) =>
  suites.filter(({ bundle }) => bundle === parsed.name)

function formatResult({ terminal }: Call, result: TestResult): string {
  if (terminal.json) return JSON.stringify(result)
  const coverage = Object.entries(result.untouched).map(([name, left]) => formatCoverage(name, left, terminal))
  return [...result.suites.map((suite) => formatSuite(suite, terminal)), ...coverage]
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
