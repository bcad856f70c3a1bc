import type { Finding } from '../../schemas/finding.ts'
import type { ParsedBundle } from '../../runtime/bundle/parse.ts'
import type { Gate } from './gate.ts'
import { shapeOf } from './gate.ts'

const FILE = 'ontology/ontology.yaml'
const FEW_UTTERANCES = 5

/** The ontology has its shape, and everything it names exists. */
export const ontology: Gate = {
  name: 'ontology',
  since: 1,
  judge(evidence) {
    const { bundle, prefix, compileFault } = evidence
    const findings = shapeOf(evidence, 'ontology')
    if (bundle === null) return findings
    const report: Report = (pointer, message, hint, severity = 'error') => {
      findings.push({
        gate: 'ontology',
        code: 'ONTOLOGY_INVALID',
        severity,
        path: `${prefix}${FILE}`,
        ...bundle.at(FILE, pointer),
        message,
        hint,
      })
    }
    references(bundle, report)
    utterances(bundle, report)
    if (compileFault !== null && compileFault.reason !== 'POLICY_MISSING')
      report([], `The bundle does not compile: ${compileFault.message}`, 'Correct what the message names.')
    return findings
  },
}

type Report = (pointer: (string | number)[], message: string, hint: string, severity?: Finding['severity']) => void

function references(
  { ontology: { intents, routing, fallback }, templates, entities, documents }: ParsedBundle,
  report: Report,
): void {
  const entity = (name: string | undefined, pointer: (string | number)[]) => {
    if (name === undefined || entities.has(name)) return
    report(pointer, `There is no entity "${name}".`, `Add entities/${name}.schema.yaml, or correct the name.`)
  }
  entity(routing.input, ['routing', 'input'])
  entity(routing.output, ['routing', 'output'])
  if (!intents.some((intent) => intent.name === fallback)) {
    report(['fallback'], `fallback names "${fallback}", which is no intent.`, 'Add that intent, or correct the name.')
  }
  const seen = new Set<string>()
  for (const [index, intent] of intents.entries()) {
    const at = (...rest: (string | number)[]) => ['intents', index, ...rest]
    if (seen.has(intent.name))
      report(at('name'), `The intent "${intent.name}" stands twice.`, 'Merge the two, or rename one.')
    seen.add(intent.name)
    entity(intent.input, at('input'))
    entity(intent.output, at('output'))
    if (intent.template !== undefined && !templates.has(intent.template)) {
      report(
        at('template'),
        `There is no template "${intent.template}".`,
        `Add templates/${intent.template}, or correct the name.`,
      )
    }
    if (intent.template === undefined && intent.facts === undefined && intent.retrieval === undefined) {
      report(
        at('name'),
        `The intent "${intent.name}" has nothing to answer with.`,
        'Give it a template, facts or retrieval.',
      )
    }
    for (const [position, document] of (intent.retrieval?.documents ?? []).entries()) {
      if (documents.has(document)) continue
      report(
        at('retrieval', 'documents', position),
        `There is no document "${document}".`,
        `Add documents/${document}, or correct the name.`,
      )
    }
  }
}

function utterances({ ontology: { intents, fallback } }: ParsedBundle, report: Report): void {
  const owner = new Map<string, string>()
  for (const [index, intent] of intents.entries()) {
    if (intent.name !== fallback && intent.utterances.length < FEW_UTTERANCES) {
      report(
        ['intents', index, 'utterances'],
        `"${intent.name}" has ${intent.utterances.length} utterances; questions will miss it.`,
        `Write at least ${FEW_UTTERANCES}, in the words of the people who ask.`,
        'warning',
      )
    }
    for (const [position, utterance] of intent.utterances.entries()) {
      const key = utterance.normalize('NFKC').toLowerCase().trim()
      const other = owner.get(key)
      owner.set(key, intent.name)
      if (other === undefined || other === intent.name) continue
      report(
        ['intents', index, 'utterances', position],
        `"${utterance}" stands under "${other}" too: no router can tell them apart.`,
        'Keep it under one intent.',
      )
    }
  }
}
