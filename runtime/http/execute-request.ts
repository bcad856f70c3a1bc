import { Fault } from '../../schemas/fault.ts'
import type { ExecuteRequest } from '../../schemas/http/execute.ts'
import { ALIASES, type AliasName } from '../../schemas/names.ts'

const FIELDS: ReadonlySet<string> = new Set(['input', 'intent', 'alias'])

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string): Fault {
  return new Fault('INPUT_INVALID', message)
}

/** @throws Fault `INPUT_INVALID` naming the field that is wrong */
export function parseExecuteRequest(body: unknown): Required<ExecuteRequest> {
  if (!isObject(body)) throw invalid('expected an object with the member "input"')
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name))
  if (unknown !== undefined) {
    throw invalid(`"${unknown.slice(0, 64)}" is not a field of the request; it may have input, intent and alias`)
  }
  const { input, intent = null, alias = 'current' } = body
  if (!isObject(input)) throw invalid('"input" must be an object')
  if (intent !== null && typeof intent !== 'string') throw invalid('"intent" must be the name of an intent, or null')
  if (!ALIASES.includes(alias as AliasName)) throw invalid('"alias" must be "current" or "candidate"')
  return { input, intent, alias: alias as AliasName }
}
