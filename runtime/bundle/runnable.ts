import { Fault } from '../../schemas/fault.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Policies } from '../../schemas/registry/policies.ts'
import { checkEntitySchema } from '../engine/contract.ts'
import { compileRedactor } from '../engine/redact.ts'
import { checkTemplate } from '../engine/template/check.ts'
import { createValues } from '../engine/values.ts'
import type { ParsedBundle } from './parse.ts'
import { presenceInSchema } from './presence.ts'
import { checkTemplateNames } from './template-names.ts'

/**
 * Refuses a source whose files are well formed one by one but could not be executed together: what is named must
 * exist, what is declared must be something that this Runtime enforces.
 * @throws Fault with all findings, under the code of the first.
 */
export function checkRunnable(bundle: ParsedBundle): void {
  const findings = [
    ...ontologyFindings(bundle),
    ...entityFindings(bundle),
    ...policyFindings(bundle),
    ...templateFindings(bundle),
    ...valuesFindings(bundle),
  ]
  const [first] = findings
  if (first === undefined) return
  throw new Fault(first.code, `${first.path}:${first.line}:${first.column}: ${first.message}`, { findings })
}

type Pointer = (string | number)[]

function reporter(bundle: ParsedBundle, gate: string, code: Reason, path: string) {
  return (pointer: Pointer, message: string, hint: string): Finding => {
    return { gate, code, severity: 'error', path, ...bundle.at(path, pointer), message, hint }
  }
}

function ontologyFindings(bundle: ParsedBundle): Finding[] {
  const { ontology, entities, templates } = bundle
  const report = reporter(bundle, 'ontology', 'ONTOLOGY_INVALID', 'ontology/ontology.yaml')
  const entity = (name: string | undefined, pointer: Pointer) =>
    name === undefined || entities.has(name)
      ? []
      : [report(pointer, `There is no entity "${name}".`, `Add entities/${name}.schema.yaml.`)]
  const names = ontology.intents.map(({ name }) => name)
  return [
    ...entity(ontology.routing.input, ['routing', 'input']),
    ...entity(ontology.routing.output, ['routing', 'output']),
    ...(presenceInSchema(entities.get(ontology.routing.input) ?? {}, [ontology.routing.question]) === 'never'
      ? [
          report(
            ['routing', 'question'],
            `The entity "${ontology.routing.input}" has no property "${ontology.routing.question}".`,
            'Name the property of the input that holds the question.',
          ),
        ]
      : []),
    ...(names.includes(ontology.fallback)
      ? []
      : [report(['fallback'], 'The fallback is no intent.', 'Name an intent.')]),
    ...ontology.intents.flatMap(({ name, input, output, template, facts, retrieval }, index) => {
      const at = (field: string) => ['intents', index, field]
      return [
        ...entity(input, at('input')),
        ...entity(output, at('output')),
        ...(names.indexOf(name) === index ? [] : [report(at('name'), `"${name}" stands twice.`, 'Rename one.')]),
        ...(template === undefined || templates.has(template)
          ? []
          : [report(at('template'), `There is no template "${template}".`, `Add templates/${template}.`)]),
        ...(template === undefined || takesAnswer(entities.get(output ?? ontology.routing.output) ?? {})
          ? []
          : [
              report(
                at(output === undefined ? 'name' : 'output'),
                `A template answers { "answer": text }, which "${output ?? ontology.routing.output}" does not take.`,
                'Give the entity a property answer, and require nothing else.',
              ),
            ]),
        ...(retrieval === undefined ? [] : retrievalFindings(bundle, index, report)),
        ...(template === undefined && facts === undefined && retrieval === undefined
          ? [report(at('name'), `"${name}" has nothing to answer with.`, 'Give it a template, facts or retrieval.')]
          : []),
      ]
    }),
  ]
}

/** What an intent needs to answer from documents. */
function retrievalFindings(
  { ontology, entities, documents }: ParsedBundle,
  index: number,
  report: ReturnType<typeof reporter>,
): Finding[] {
  const intent = ontology.intents[index]
  if (intent === undefined) return []
  const { routing, fallback } = ontology
  const { name, template, facts, retrieval, input = routing.input, output = routing.output } = intent
  const at = (...rest: Pointer) => ['intents', index, ...rest]
  return [
    ...(retrieval?.documents ?? []).flatMap((document, position) =>
      documents.has(document)
        ? []
        : [
            report(
              at('retrieval', 'documents', position),
              `There is no document "${document}".`,
              `Add documents/${document}.`,
            ),
          ],
    ),
    ...(template === undefined && facts === undefined
      ? []
      : [
          report(
            at('retrieval'),
            `"${name}" answers in two ways.`,
            'Keep the retrieval, or the template and the facts.',
          ),
        ]),
    ...(name === fallback
      ? [report(at('retrieval'), 'The fallback must always have an answer.', 'Give it a template or facts.')]
      : []),
    ...(takesOnly(entities.get(output) ?? {}, ['answer', 'citations'])
      ? []
      : [
          report(
            at('retrieval'),
            `Retrieval answers { "answer", "citations" }, which "${output}" does not take.`,
            'Give the entity the properties answer and citations, and require nothing else.',
          ),
        ]),
    ...(presenceInSchema(entities.get(input) ?? {}, [routing.question]) === 'never'
      ? [report(at('input'), `"${input}" has no property "${routing.question}" to search for.`, 'Add the property.')]
      : []),
  ]
}

function takesAnswer(entity: { required?: string[] }): boolean {
  return takesOnly(entity, ['answer'])
}

function takesOnly(entity: { required?: string[] }, given: readonly string[]): boolean {
  const { required = [] } = entity
  return (
    required.every((name) => given.includes(name)) &&
    given.every((name) => presenceInSchema(entity, [name]) !== 'never')
  )
}

function entityFindings(bundle: ParsedBundle): Finding[] {
  return [...bundle.entities].flatMap(([name, schema]) => {
    const path = `entities/${name}.schema.yaml`
    return checkEntitySchema(schema, path, (pointer) => bundle.at(path, pointer))
  })
}

function templateFindings(bundle: ParsedBundle): Finding[] {
  const malformed = [...bundle.templates].flatMap(([file, text]) => checkTemplate(text, `templates/${file}`))
  if (malformed.length > 0) return malformed
  return checkTemplateNames(bundle, '').filter(({ severity }) => severity === 'error')
}

function policyFindings(bundle: ParsedBundle): Finding[] {
  const findings = redactionFindings(bundle, bundle.policies)
  if (bundle.policies.llm?.enabled === true) {
    const report = reporter(bundle, 'policies', 'POLICY_INVALID', 'policies/llm.yaml')
    findings.push(report(['enabled'], 'This Runtime has no model step.', 'Write enabled: false, or remove the policy.'))
  }
  const retrieving = bundle.ontology.intents.find(({ retrieval }) => retrieval !== undefined)
  if (retrieving !== undefined && bundle.policies.rag === undefined) {
    const report = reporter(bundle, 'policies', 'POLICY_MISSING', 'policies/rag.yaml')
    findings.push(report([], `"${retrieving.name}" answers from documents without a rag policy.`, 'Add the policy.'))
  }
  return findings
}

function redactionFindings(bundle: ParsedBundle, { redaction }: Policies): Finding[] {
  const report = reporter(bundle, 'policies', 'POLICY_INVALID', 'policies/redaction.yaml')
  return (redaction?.rules ?? []).flatMap((rule, index) => {
    try {
      compileRedactor({ rules: [rule] })
      return []
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return [
        report(['rules', index, 'pattern'], error.message, 'Write an RE2 pattern that matches at least one character.'),
      ]
    }
  })
}

function valuesFindings(bundle: ParsedBundle): Finding[] {
  try {
    createValues(bundle.valuesSchema)
    return []
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const report = reporter(bundle, 'entities', 'ENTITY_INVALID', 'values.schema.yaml')
    return [report([], error.message, 'Correct the schema; every property needs a default that fits it.')]
  }
}
