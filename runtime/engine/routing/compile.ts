import type { Ontology } from '../../../schemas/registry/ontology.ts'
import { collectExamples, routedIntents, type Example } from './examples.ts'
import { buildRows, type FeatureRows } from './feature-rows.ts'
import { createDuals, leaveOneOut, recordDuals, type Duals } from './leave-one-out.ts'
import type { RouterModel } from './model.ts'
import { createReader, readingRules } from './reading.ts'
import { scaleOf } from './scale.ts'
import { encodeRouter } from './sealed-format.ts'
import { trainIntents } from './train.ts'
import { vocabularyOf } from './vocabulary.ts'

/** Examples that are left out to find the scale of scores. */
const LEFT_OUT = 400

/** A trained router, and what it was trained from. */
export type TrainedRouter = { model: RouterModel; examples: Example[]; rows: FeatureRows; duals: Duals }

/**
 * The router of an ontology, ready to be sealed: the same bytes on every machine, whatever order the author wrote.
 * @throws Fault `ONTOLOGY_INVALID` for a stemmer that does not exist.
 */
export function compileRouter(ontology: Ontology): Buffer {
  return encodeRouter(trainRouter(ontology).model)
}

/** @throws Fault `ONTOLOGY_INVALID` for a stemmer that does not exist. */
export function trainRouter(ontology: Ontology): TrainedRouter {
  const rules = readingRules(ontology)
  const reader = createReader(rules)
  const examples = collectExamples(ontology, reader)
  const names = routedIntents(ontology)
  const rows = buildRows(examples.map(({ reading }) => reading))
  const duals = createDuals(rows, names.length)
  const { features, scales, biases } = trainIntents(rows, examples, names.length, (intent, state) =>
    recordDuals(duals, rows, intent, state),
  )
  const byName = new Map(ontology.intents.map((intent) => [intent.name, intent]))
  const model: RouterModel = {
    rules,
    fallback: ontology.fallback,
    minMargin: ontology.routing.min_margin ?? 0,
    scoring: scaleOf(marginsWhenLeftOut(rows, examples, duals), biases),
    intents: names.map((name, i) => ({
      name,
      threshold: byName.get(name)?.threshold ?? ontology.routing.threshold,
      scale: scales[i] ?? 0,
      bias: biases[i] ?? 0,
      utterances: Buffer.from(linesOf(byName.get(name)?.utterances ?? [])),
    })),
    vocabulary: vocabularyOf(ontology, reader),
    features,
  }
  return { model, examples, rows, duals }
}

/** Left-out margins of examples that still found their intent, of at most `LEFT_OUT` examples evenly apart. */
function marginsWhenLeftOut(rows: FeatureRows, examples: readonly Example[], duals: Duals): number[] {
  const routed = [...examples.keys()].filter((row) => examples[row]?.target !== null)
  const step = Math.ceil(routed.length / LEFT_OUT)
  const wanted = routed.filter((_, i) => i % step === 0)
  return leaveOneOut(rows, examples, duals, wanted).flatMap(({ own, rival }) =>
    own !== null && own > (rival?.margin ?? -Infinity) ? [own] : [],
  )
}

function linesOf(utterances: readonly string[]): string {
  const lines = utterances.map((text) => text.replaceAll(/\s+/g, ' ').trim())
  return [...new Set(lines)].sort().join('\n')
}
