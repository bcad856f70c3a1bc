import { REQUIRED_KINDS } from '../../runtime/engine/policies.ts'
import { POLICY_KINDS, type PolicyKind } from '../../schemas/registry/policies.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Evidence, Gate } from './gate.ts'
import { shapeOf } from './gate.ts'

/** The policies that the registry requires are there, well formed, and speak of intents that exist; what retrieves has one. */
export const policies: Gate = {
  name: 'policies',
  since: 1,
  judge: (evidence) => [...shapeOf(evidence, 'policies'), ...missing(evidence), ...unknownIntents(evidence)],
}

/** Of what the registry requires, and of what no bundle loads without. */
function missing({ files, rules, prefix, compileFault, bundle }: Evidence): Finding[] {
  const required = compileFault?.reason === 'POLICY_MISSING' ? REQUIRED_KINDS : []
  const retrieving = bundle?.ontology.intents.find(({ retrieval }) => retrieval !== undefined)
  const needed = retrieving === undefined ? [] : ['rag']
  return [...new Set([...rules.policies.required, ...required, ...needed])]
    .filter((kind) => !files.has(`policies/${kind}.yaml`))
    .map((kind) => ({
      gate: 'policies',
      code: 'POLICY_MISSING',
      severity: 'error',
      path: `${prefix}policies/${kind}.yaml`,
      line: 1,
      column: 1,
      message: needed.includes(kind)
        ? `The intent "${retrieving?.name ?? ''}" answers from documents, which needs the policy ${kind}.`
        : isKind(kind)
          ? `The registry requires the policy ${kind}.`
          : `The registry requires the policy ${kind}, which this version does not know.`,
      hint: isKind(kind) ? `Add policies/${kind}.yaml.` : 'Correct policies.required in registry.yaml.',
    }))
}

function unknownIntents({ bundle, prefix }: Evidence): Finding[] {
  const allowed = bundle?.policies.security?.allowed_intents ?? []
  const known = new Set(['*', ...(bundle?.ontology.intents ?? []).map((intent) => intent.name)])
  return allowed.flatMap((name, index): Finding[] =>
    bundle === null || known.has(name)
      ? []
      : [
          {
            gate: 'policies',
            code: 'POLICY_INVALID',
            severity: 'error',
            path: `${prefix}policies/security.yaml`,
            ...bundle.at('policies/security.yaml', ['allowed_intents', index]),
            message: `allowed_intents names "${name}", which is no intent of the ontology.`,
            hint: 'Correct the name, or write ["*"] for all intents.',
          },
        ],
  )
}

function isKind(kind: string): kind is PolicyKind {
  return (POLICY_KINDS as readonly string[]).includes(kind)
}
