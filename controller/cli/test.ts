import { runSuites, type SuiteResult } from '../../runtime/engine/suites.ts'
import { CLONE_OPTION, openClone } from './clone.ts'
import { optionText, type CommandSpec } from './command.ts'
import { compileLocal } from './local-bundle.ts'
import type { Terminal } from './terminal.ts'
import { bundleNames, readWorkTree } from './work-tree.ts'

export const test: CommandSpec = {
  name: 'test',
  summary: 'run the suites of a bundle, or of all bundles',
  args: [['[bundle]', 'name of a folder under bundles/']],
  options: [['--filter <text>', 'only cases whose name contains this text'], CLONE_OPTION],
  async run(call) {
    const clone = await openClone(call)
    const names =
      call.args[0] === undefined ? bundleNames((await readWorkTree(clone, ['bundles'])).keys()) : [call.args[0]]
    const filter = optionText(call, 'filter')
    const suites: SuiteResult[] = []
    for (const name of names) {
      const { loaded } = await compileLocal(clone, name)
      suites.push(...runSuites(loaded, {}, { order: 'given', ...(filter === undefined ? {} : { filter }) }))
    }
    const verdict = suites.every((suite) => suite.verdict === 'pass') ? 'pass' : 'fail'
    if (call.terminal.json) call.terminal.out(JSON.stringify({ verdict, findings: [], suites }))
    else for (const suite of suites) call.terminal.out(formatSuite(suite, call.terminal))
    return verdict === 'pass' ? 0 : 1
  },
}

function formatSuite(result: SuiteResult, terminal: Terminal): string {
  const { bundle, suite, kind, cases, passed, accuracy, failures, verdict } = result
  const mark = verdict === 'pass' ? terminal.style('green', '✔') : terminal.style('red', '✘')
  const head = `${mark} ${bundle} ${suite} (${kind})  ${passed} of ${cases}  ${(accuracy * 100).toFixed(1)} %`
  const shown = verdict === 'pass' ? [] : failures.slice(0, 20)
  const lines = shown.flatMap((failure) => [
    `    ${failure.name}`,
    terminal.style('green', `      + ${JSON.stringify(failure.expected)}`),
    terminal.style('red', `      - ${JSON.stringify(failure.actual)}`),
  ])
  const hidden = failures.length - shown.length
  return [head, ...lines, ...(verdict === 'fail' && hidden > 0 ? [`    … and ${hidden} more`] : [])].join('\n')
}
