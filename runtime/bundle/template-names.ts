import type { Finding } from '../../schemas/finding.ts'
import type { Intent } from '../../schemas/registry/ontology.ts'
import { parseTemplate } from '../engine/template/check.ts'
import { pathsOf, type UsedPath } from '../engine/template/paths.ts'
import type { ParsedBundle } from './parse.ts'

/** Whether data of some shape has a value at a path: always, perhaps, or never. */
type Presence = 'always' | 'perhaps' | 'never'

type Names = Pick<ParsedBundle, 'ontology' | 'entities' | 'templates' | 'valuesSchema'>

/**
 * Errors for what a template reads and no intent that uses it can ever have: facts that it does not state, values and
 * input that no schema declares. Warnings for optional input that is printed without `default` or a condition: a
 * request without it is refused. Templates that are not well formed are for `checkTemplate`. `prefix` goes in front of paths.
 */
export function checkTemplateNames(bundle: Names, prefix: string): Finding[] {
  return [...bundle.templates].flatMap(([file, text]) => {
    const users = bundle.ontology.intents.filter(({ template }) => template === file)
    return users.length === 0 ? [] : findingsOf(bundle, users, text, `${prefix}templates/${file}`)
  })
}

function findingsOf(bundle: Names, users: readonly Intent[], text: string, path: string): Finding[] {
  return pathsOf(parseTemplate(text, path)).flatMap((used): Finding[] => {
    const presences = users.map((intent) => ({ intent: intent.name, presence: presenceOf(bundle, intent, used) }))
    const absent = presences.filter(({ presence }) => presence === 'never').map(({ intent }) => intent)
    const written = [used.root, ...used.keys].join('.')
    const { line, column } = used
    const finding = (severity: 'error' | 'warning', message: string, hint: string): Finding[] => {
      return [{ gate: 'templates', code: 'TEMPLATE_INVALID', severity, path, line, column, message, hint }]
    }
    if (absent.length === users.length || (absent.length > 0 && !used.guarded)) {
      return finding(
        'error',
        `${written} does not exist for ${absent.slice(0, 3).join(', ')}.`,
        `Declare it, or correct the name.`,
      )
    }
    if (used.guarded || presences.every(({ presence }) => presence === 'always')) return []
    return finding(
      'warning',
      `${written} is optional: a request without it is refused.`,
      'Use the filter default, or ask with {% if %}.',
    )
  })
}

function presenceOf(bundle: Names, intent: Intent, { root, keys }: UsedPath): Presence {
  switch (root) {
    case 'facts':
      return inData(intent.facts ?? {}, keys)
    case 'values':
      return inSchema(bundle.valuesSchema ?? { additionalProperties: false }, keys, 'declared is present')
    case 'input':
      return inSchema(
        bundle.entities.get(intent.input ?? bundle.ontology.routing.input) ?? {},
        keys,
        'required is present',
      )
    default:
      return 'always'
  }
}

function inData(data: unknown, [key, ...rest]: readonly (string | number)[]): Presence {
  if (key === undefined) return 'always'
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, key)) return 'never'
  return inData((data as Record<string, unknown>)[key], rest)
}

type Schema = {
  $ref?: string
  $defs?: Record<string, Schema>
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: unknown
}

/** Looks no further than `properties`: where a schema says it in another way, a value is perhaps there. */
function inSchema(
  root: Schema,
  keys: readonly (string | number)[],
  mode: 'required is present' | 'declared is present',
): Presence {
  let schema = root
  let presence: Presence = 'always'
  for (const key of keys) {
    if (schema.$ref !== undefined) schema = root.$defs?.[schema.$ref.slice('#/$defs/'.length)] ?? {}
    const { properties = {}, required = [], additionalProperties = true } = schema
    if (typeof key !== 'string' || !Object.hasOwn(properties, key)) {
      return typeof key === 'string' && additionalProperties === false ? 'never' : 'perhaps'
    }
    if (mode === 'required is present' && !required.includes(key)) presence = 'perhaps'
    schema = properties[key] ?? {}
  }
  return presence
}
