import { execute } from '../../runtime/engine/execute.ts'
import { CLONE_OPTION, openClone } from './clone.ts'
import { argument, type CommandSpec } from './command.ts'
import { compileLocal } from './local-bundle.ts'

export const tryQuestion: CommandSpec = {
  name: 'try',
  summary: 'answer a question with the bundle in this clone as the Runtime would, and say why',
  args: [
    ['<bundle>', 'name of a folder under bundles/'],
    ['<question>', 'what a customer would ask'],
  ],
  options: [CLONE_OPTION],
  async run(call) {
    const clone = await openClone(call)
    const { loaded, digest } = await compileLocal(clone, argument(call, 0, 'bundle'))
    const input = { [loaded.ontology.routing.question]: argument(call, 1, 'question') }
    const { outcome, intent, routing, output } = execute(
      loaded,
      { input, intent: null, alias: 'candidate', explain: true },
      {},
    )
    const { terminal } = call
    if (terminal.json) {
      terminal.out(
        JSON.stringify({
          bundle: { name: loaded.name, version: loaded.version, digest },
          outcome,
          intent,
          routing,
          output,
        }),
      )
      return 0
    }
    terminal.out(`${terminal.style('bold', intent)}  ${outcome}`)
    if (routing !== null) {
      terminal.out(`score ${routing.score.toFixed(3)}, threshold ${routing.threshold.toFixed(3)}`)
      for (const { word, weight } of routing.detail?.contributions ?? [])
        terminal.out(`  ${weight >= 0 ? '+' : ''}${weight.toFixed(3)}  ${word}`)
      const runnerUp = routing.detail?.runner_up
      if (runnerUp) terminal.out(`next: ${runnerUp.intent} ${runnerUp.score.toFixed(3)}`)
      if (routing.detail && routing.detail.unknown.length > 0)
        terminal.out(`unknown words: ${routing.detail.unknown.join(', ')}`)
    }
    terminal.out(JSON.stringify(output, null, 2))
    return 0
  },
}
