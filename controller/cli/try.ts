import { Fault } from '../../schemas/fault.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import { askLocal, type LocalAnswer } from './bundle/ask-local.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { argument, optionNumber, optionText, type Call, type CommandSpec } from './command.ts'
import { formatRouting } from './formats/suites.ts'
import { openLocalBundles, type LocalBundles } from './bundle/local-bundle.ts'
import { saveCase } from './bundle/save-case.ts'
import { untilStopped } from './settings-options.ts'
import { readTenantValues, VALUES_OPTION } from './bundle/tenant-values.ts'

export const tryQuestion: CommandSpec = {
  name: 'try',
  summary: 'answer a question with the bundle in this clone as the Runtime would, and say why',
  args: [
    ['<bundle>', 'name of a folder under bundles/'],
    ['[question]', 'what a customer would ask; left out with --serve'],
  ],
  options: [
    ['--save <suite>', 'add the question to this suite, expecting what answers now'],
    ['--intent <intent>', 'with --save: the intent that should have answered'],
    ['--serve', 'a page on this machine to ask questions on, until Ctrl-C'],
    ['--port <port>', 'with --serve: the port (default: a free one)'],
    VALUES_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const clone = await openClone(call)
    const bundles = openLocalBundles(clone)
    const name = argument(call, 0, 'bundle')
    const bundle = await bundles.compile(name)
    const values = await readTenantValues(call, clone)
    if (call.options['serve'] === true) return serve(call, bundles, name, values)
    const question = argument(call, 1, 'question')
    const answer = askLocal(bundle, question, values)
    const suite = optionText(call, 'save')
    const intent = optionText(call, 'intent')
    if (suite === undefined && intent !== undefined) throw new Fault('USAGE', '--intent is for --save <suite>.')
    const saved = suite === undefined ? null : await saveCase(clone, bundle, { suite, question, answer, intent })
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify(saved === null ? answer : { ...answer, saved }))
    else {
      terminal.out(formatAnswer(answer, call))
      if (saved !== null) {
        const { path, added } = saved
        terminal.out(
          `${terminal.style('green', '✔')} ${path} has the case "${added.name}", which expects ${JSON.stringify(added.expect)}`,
        )
      }
    }
    return 0
  },
}

async function serve(call: Call, bundles: LocalBundles, name: string, values: Values): Promise<0> {
  const { terminal } = call
  const port = optionNumber(call, 'port', { min: 0, max: 65_535, preset: 0 })
  const { serveTryPage } = await import('./bundle/try-page.ts')
  const page = await serveTryPage(port, async (question) => askLocal(await bundles.compile(name), question, values))
  if (terminal.json) terminal.out(JSON.stringify({ url: page.url }))
  else terminal.out(`Ask ${name} on ${page.url}  (every answer is from the files as they stand then)`)
  await untilStopped()
  await page.stop()
  return 0
}

function formatAnswer({ intent, outcome, routing, output }: LocalAnswer, { terminal }: Call): string {
  const why = routing === null ? [] : formatRouting(routing)
  return [`${terminal.style('bold', intent)}  ${outcome}`, ...why, JSON.stringify(output, null, 2)].join('\n')
}
