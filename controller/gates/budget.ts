import type { Finding } from '../../schemas/finding.ts'
import type { Budget } from '../../schemas/registry/registry.ts'
import type { Gate } from './gate.ts'

/** What every registry allows; `registry.yaml` may allow less. Far below what would stop a Runtime. */
export const BUDGET: Budget = {
  source_bytes: 8 * 1024 * 1024,
  utterances: 40_000,
  sealed_bytes: 24 * 1024 * 1024,
  steps: 50_000,
}

const WARN_AT = 0.8

const FILES = {
  source_bytes: 'manifest.yaml',
  utterances: 'ontology/ontology.yaml',
  sealed_bytes: 'ontology/ontology.yaml',
} as const

/** A bundle needs no more bytes, utterances and steps than allowed. Nothing is measured in time. */
export const budget: Gate = {
  name: 'budget',
  since: 1,
  judge({ needs, rules, bundle, prefix }) {
    if (needs === null || bundle === null) return []
    const allowed = { ...BUDGET, ...rules.budget }
    const sizes = (['source_bytes', 'utterances', 'sealed_bytes'] as const).flatMap((unit) =>
      judge(`${prefix}${FILES[unit]}`, unit, needs[unit], allowed[unit]),
    )
    if (needs.steps === null) return sizes
    const { intent, steps } = needs.steps
    const template = bundle.ontology.intents.find(({ name }) => name === intent)?.template ?? ''
    return [...sizes, ...judge(`${prefix}templates/${template}`, 'steps', steps, allowed.steps)]
  },
}

const UNITS: Readonly<Record<keyof Budget, string>> = {
  source_bytes: 'bytes of source',
  utterances: 'utterances',
  sealed_bytes: 'bytes under sealed/',
  steps: 'steps of one rendering',
}

function judge(path: string, unit: keyof Budget, needed: number, allowed: number): Finding[] {
  if (needed <= allowed * WARN_AT) return []
  const found = Number.isFinite(needed) ? String(needed) : 'more than a Runtime allows'
  return [
    {
      gate: 'budget',
      code: 'BUDGET_EXCEEDED',
      severity: needed > allowed ? 'error' : 'warning',
      path,
      line: 1,
      column: 1,
      message: `The bundle needs ${found} ${UNITS[unit]}, and ${allowed} are allowed.`,
      hint: 'Make the bundle smaller or simpler, or divide it into two.',
    },
  ]
}
