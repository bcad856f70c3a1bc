import type { Ontology } from '../../../schemas/registry/ontology.ts'
import type { Reader, Reading } from './reading.ts'

/** `target` is an index into the sorted intents; null for what belongs to none, or only must not be `not`. */
export type Example = { text: string; reading: Reading; target: number | null; not: number | null }

/**
 * Names of the intents that a question may be routed to, in code unit order. The fallback is none of them, nor is an
 * intent without utterances: it is reached by name only.
 */
export function routedIntents(ontology: Ontology): string[] {
  return ontology.intents
    .filter(({ name, utterances }) => name !== ontology.fallback && utterances.length > 0)
    .map(({ name }) => name)
    .sort()
}

/** A text without a known word belongs to no intent: small bundles would not learn it from their few utterances. */
const NOTHING = ''

/**
 * Everything that the ontology says about where a text belongs, in an order that does not depend on the order in which
 * the author wrote it. Titles count as utterances; utterances of the fallback as out of scope.
 */
export function collectExamples(ontology: Ontology, reader: Reader): Example[] {
  const names = routedIntents(ontology)
  const indexOf = new Map(names.map((name, index) => [name, index]))
  const found = new Map<string, Example>()
  const add = (text: string, target: number | null, not: number | null) => {
    const reading = reader.read(text)
    const key = `${reading.tokens.map((token) => token.form).join(' ')}\n${target}\n${not}`
    const known = found.get(key)
    if (reading.tokens.length === 0 && text !== NOTHING) return
    if (known === undefined || text < known.text) found.set(key, { text, reading, target, not })
  }
  add(NOTHING, null, null)
  for (const intent of ontology.intents) {
    const index = indexOf.get(intent.name) ?? null
    for (const text of intent.utterances) add(text, index, null)
    if (index === null) continue
    add(intent.title, index, null)
    for (const text of intent.negatives ?? []) add(text, null, index)
  }
  for (const text of ontology.out_of_scope?.utterances ?? []) add(text, null, null)
  return [...found.keys()].sort().map((key) => found.get(key) as Example)
}
