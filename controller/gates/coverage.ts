import type { Finding } from '../../schemas/finding.ts'
import type { Gate } from './gate.ts'

const NAMED = 10

/** Tells what no case touches. It never refuses: whether a part needs a case is for people to say. */
export const coverage: Gate = {
  name: 'coverage',
  since: 1,
  judge({ untouched, bundle, prefix }) {
    if (untouched === null || bundle === null) return []
    const { intents, templates, branches, entities } = untouched
    const used = new Set(bundle.ontology.intents.map(({ template }) => template))
    const unrendered = templates.filter((file) => used.has(file))
    const ontology = `${prefix}ontology/ontology.yaml`
    const parts: [path: string, what: string, names: readonly string[], of: number][] = [
      [ontology, 'intents are reached by no case', intents, bundle.ontology.intents.length],
      [`${prefix}suites`, 'templates are rendered by no case', unrendered, used.size],
      [`${prefix}suites`, 'branches of templates are taken by no case', branches, 0],
      [`${prefix}suites`, 'entities are held against nothing by any case', entities, bundle.entities.size],
    ]
    return parts.filter(([, , names]) => names.length > 0).map(([path, what, names, of]) => note(path, what, names, of))
  },
}

function note(path: string, what: string, names: readonly string[], of: number): Finding {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  const count = of === 0 ? String(names.length) : `${names.length} of ${of}`
  return {
    gate: 'coverage',
    code: 'NOT_COVERED',
    severity: 'note',
    path,
    line: 1,
    column: 1,
    message: `${count} ${what}: ${names.slice(0, NAMED).join(', ')}${more}.`,
    hint: 'Add a case: contractor try <bundle> "<question>" --save <suite>.',
  }
}
