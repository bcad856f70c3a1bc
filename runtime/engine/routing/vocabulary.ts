import type { Ontology } from '../../../schemas/registry/ontology.ts'
import type { Reader } from './reading.ts'
import type { Vocabulary } from './spelling.ts'

/** Words of what the bundle answers: utterances, titles and synonyms, but nothing that is out of scope. */
export function vocabularyOf(ontology: Ontology, reader: Reader): Vocabulary {
  const routed = ontology.intents.filter(({ name }) => name !== ontology.fallback)
  const texts = new Set([
    ...routed.flatMap(({ title, utterances }) => [title, ...utterances]),
    ...(ontology.synonyms ?? []).flatMap(({ canonical, variants }) => [canonical, ...variants]),
  ])
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const word of new Set(reader.forms(text))) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return [...counts.keys()].sort().map((word) => ({ word, texts: counts.get(word) ?? 0 }))
}
