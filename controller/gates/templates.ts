import type { Finding } from '../../schemas/finding.ts'
import { shapeOf, type Gate } from './gate.ts'

/** Templates only use what is allowed, and every template is some intent's. */
export const templates: Gate = {
  name: 'templates',
  since: 1,
  judge(evidence) {
    const { bundle, prefix } = evidence
    const findings = [...shapeOf(evidence, 'templates'), ...evidence.templates]
    if (bundle === null) return findings
    const used = new Set(bundle.ontology.intents.map((intent) => intent.template))
    const unused = [...bundle.templates.keys()].filter((file) => !used.has(file))
    return [
      ...findings,
      ...unused.map((file): Finding => ({
        gate: 'templates',
        code: 'TEMPLATE_INVALID',
        severity: 'warning',
        path: `${prefix}templates/${file}`,
        line: 1,
        column: 1,
        message: 'No intent uses this template.',
        hint: 'Name it in an intent of ontology/ontology.yaml, or remove it.',
      })),
    ]
  },
}
