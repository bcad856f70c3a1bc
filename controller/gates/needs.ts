import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { LoadedBundle } from '../../runtime/bundle/load.ts'
import type { ParsedBundle } from '../../runtime/bundle/parse.ts'
import { SEALED_FOLDER } from '../../runtime/bundle/program.ts'
import { execute } from '../../runtime/engine/execute.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Needs } from './gate.ts'

/** What a bundle needs. Every intent with a template is rendered once, with the input of a case. */
export function needsOf(source: BundleFiles, bundle: ParsedBundle, loaded: LoadedBundle): Needs {
  const { intents, out_of_scope: outside } = bundle.ontology
  const texts = intents.map(({ utterances, negatives = [] }) => utterances.length + negatives.length)
  const sealed = [...loaded.files].filter(([path]) => path.startsWith(SEALED_FOLDER))
  return {
    source_bytes: bytesOf(source),
    utterances: texts.reduce((sum, count) => sum + count, 0) + (outside?.utterances.length ?? 0),
    sealed_bytes: bytesOf(sealed),
    steps: dearest(bundle, loaded),
  }
}

function bytesOf(files: Iterable<readonly [string, Buffer]>): number {
  let sum = 0
  for (const [, body] of files) sum += body.length
  return sum
}

function dearest(bundle: ParsedBundle, loaded: LoadedBundle): Needs['steps'] {
  const cases = [...bundle.suites.values()].flatMap((suite) => suite.cases)
  const rendered = bundle.ontology.intents.flatMap(({ name, template }) => {
    const input = (cases.find(({ expect }) => expect.intent === name && expect.output !== undefined) ?? cases[0])?.input
    const steps = template === undefined || input === undefined ? null : stepsOf(loaded, name, input)
    return steps === null ? [] : [{ intent: name, steps }]
  })
  return rendered.reduce<Needs['steps']>((most, each) => (most === null || each.steps > most.steps ? each : most), null)
}

/** Null for an input that this intent does not take. */
function stepsOf(loaded: LoadedBundle, intent: string, input: Record<string, unknown>): number | null {
  try {
    return execute(loaded, { input, intent, alias: 'draft', explain: false }, {}).steps
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return error.reason === 'BUDGET_EXCEEDED' ? Infinity : null
  }
}
