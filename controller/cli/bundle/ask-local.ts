import { execute, type Execution } from '../../../runtime/engine/execute.ts'
import type { Values } from '../../../schemas/registry/tenant.ts'
import type { LocalBundle } from './local-bundle.ts'

/** What `try --json` prints. */
export type LocalAnswer = Pick<Execution, 'outcome' | 'intent' | 'routing' | 'output'> & {
  bundle: { name: string; version: string; digest: string }
}

/** Answers with a bundle of the work tree as the Runtime would, and says why. @throws Fault as `execute` */
export function askLocal({ loaded, digest }: LocalBundle, question: string, values: Values): LocalAnswer {
  const input = { [loaded.ontology.routing.question]: question }
  const request = { input, intent: null, alias: 'draft', explain: true } as const
  const { outcome, intent, routing, output } = execute(loaded, request, values)
  return { bundle: { name: loaded.name, version: loaded.version, digest }, outcome, intent, routing, output }
}
