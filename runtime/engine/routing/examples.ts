import type { Ontology } from '../../../schemas/registry/ontology.ts'
import type { Reader, Reading } from './reading.ts'

/** `target` is an index into the sorted intents; null for what belongs to none, or only must not be `not`. */
export type Example = { text: string; reading: Reading; target: number | null; not: number | null }

/** Names of the intents that a question may be routed to, in code unit order; the fallback is none of them. */
export function routedIntents(ontology: Ontology): string[] {
  return ontology.intents
    .map(({ name }) => name)
    .filter((name) => name !== ontology.fallback)
    .sort()
}

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
    if (reading.tokens.length > 0 && (known === undefined || text < known.text))
      found.set(key, { text, reading, target, not })
  }
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
