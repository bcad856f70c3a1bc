import { Fault } from '../../schemas/fault.ts'
import type { LoadedBundle } from '../bundle/load.ts'
import { execute } from './execute.ts'
import { suitesOf } from './suites.ts'

/**
 * Executes the first case of a bundle's first suite, or a question of one word where it has none, with the defaults of
 * its values. What a policy or an entity refuses is an answer, too; only a bundle that breaks the engine fails.
 * @throws Fault `BUNDLE_UNVERIFIED`
 */
export function selfTest(bundle: LoadedBundle): void {
  const [suite] = suitesOf(bundle).values()
  const input = suite?.cases[0]?.input ?? { [bundle.ontology.routing.question]: 'test' }
  try {
    execute(bundle, { input, intent: null, alias: 'draft', explain: false }, NO_VALUES)
  } catch (error) {
    if (error instanceof Fault && !BROKEN.has(error.reason)) return
    const told = error instanceof Error ? error.message : 'it threw no error'
    throw new Fault('BUNDLE_UNVERIFIED', `${bundle.name} ${bundle.version} failed its self-test: ${told}`, {
      cause: error,
    })
  }
}

const NO_VALUES = Object.freeze({})
const BROKEN = new Set(['INTERNAL', 'BUNDLE_UNVERIFIED'])
