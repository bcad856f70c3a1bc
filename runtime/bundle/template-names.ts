import type { Finding } from '../../schemas/finding.ts'
import type { Intent } from '../../schemas/registry/ontology.ts'
import { parseTemplate } from '../engine/template/check.ts'
import { pathsOf, type UsedPath } from '../engine/template/paths.ts'
import type { ParsedBundle } from './parse.ts'
import { presenceInData, presenceInSchema, type Presence } from './presence.ts'

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
      return presenceInData(intent.facts ?? {}, keys)
    case 'values':
      return presenceInSchema(withDefaults(bundle.valuesSchema ?? { additionalProperties: false }), keys)
    case 'input':
      return presenceInSchema(bundle.entities.get(intent.input ?? bundle.ontology.routing.input) ?? {}, keys)
    default:
      return 'always'
  }
}

/** Every value has a default, so that what is declared is there. */
function withDefaults(schema: { properties?: object }): object {
  return { ...schema, required: Object.keys(schema.properties ?? {}) }
}
