import { Fault } from '../../../schemas/fault.ts'
import type { Ontology } from '../../../schemas/registry/ontology.ts'
import { collectExamples, routedIntents } from './examples.ts'
import { buildRows } from './feature-rows.ts'
import { createReader, readingRules } from './reading.ts'
import { encodeRouter } from './sealed-format.ts'
import { isStemmer, STEMMERS } from './stemmer.ts'
import { trainIntents } from './train.ts'

/**
 * The router of an ontology, ready to be sealed: the same bytes on every machine, whatever order the author wrote.
 * @throws Fault `ONTOLOGY_INVALID` for a stemmer that does not exist.
 */
export function compileRouter(ontology: Ontology): Buffer {
  const stemmer = ontology.normalization.stemmer
  if (!isStemmer(stemmer)) {
    throw new Fault(
      'ONTOLOGY_INVALID',
      `normalization.stemmer: expected one of ${STEMMERS.join(', ')}, found "${stemmer}"`,
    )
  }
  const rules = readingRules(ontology, stemmer)
  const examples = collectExamples(ontology, createReader(rules))
  const names = routedIntents(ontology)
  const rows = buildRows(examples.map(({ reading }) => reading))
  const { features, scales, biases } = trainIntents(rows, examples, names.length)
  const byName = new Map(ontology.intents.map((intent) => [intent.name, intent]))
  return encodeRouter({
    rules,
    fallback: ontology.fallback,
    minMargin: ontology.routing.min_margin ?? 0,
    scoring: { slope: 0.5, offset: 0.5 },
    intents: names.map((name, i) => ({
      name,
      threshold: byName.get(name)?.threshold ?? ontology.routing.threshold,
      scale: scales[i] ?? 0,
      bias: biases[i] ?? 0,
      utterances: [...new Set(byName.get(name)?.utterances)].sort(),
    })),
    features,
  })
}
