import type { Ontology } from '../../../schemas/registry/ontology.ts'
import { trainRouter, type TrainedRouter } from './compile.ts'
import type { Example } from './examples.ts'
import { hashIndex } from './hash-index.ts'
import { leaveOneOut, type LeftOut } from './leave-one-out.ts'
import { neighbourFinder } from './neighbours.ts'
import { routerOf } from './router.ts'
import { contributionsTo } from './score.ts'

/** An utterance that goes to another intent when it is left out of training. */
export type Misrouted = { text: string; intent: string; routed: string }

/** Left-out utterances of `intent` that went to `routed`, and the words that drew them there, strongest first. */
export type Confusion = { intent: string; routed: string; count: number; words: string[] }

/** Two utterances of different intents that are the same (`likeness` 1) or nearly. */
export type Duplicate = { texts: [string, string]; intents: [string, string]; likeness: number }

/** What is wrong with the routing of an ontology, and why. */
export type Examination = {
  /** Utterances and titles that were left out, one at a time, and the share that still found their intent. */
  utterances: number
  accuracy: number
  misrouted: Misrouted[]
  confusions: Confusion[]
  duplicates: Duplicate[]
  /** Intents that do not answer even one of their own utterances, asked word for word. */
  unreachable: string[]
  /** Intents with fewer than five utterances. */
  scarce: { intent: string; utterances: number }[]
}

const NEARLY_THE_SAME = 0.8
const NEIGHBOURS = 12
const FEWEST_UTTERANCES = 5
const WORDS_SHOWN = 3

/** Trains once and leaves every utterance out in turn, see `leave-one-out.ts`. */
export function examineOntology(ontology: Ontology): Examination {
  const trained = trainRouter(ontology)
  const { model, examples, rows, duals } = trained
  const routed = [...examples.keys()].filter((row) => examples[row]?.target !== null)
  const left = leaveOneOut(rows, examples, duals, routed)
  const nameOf = (intent: number) => model.intents[intent]?.name ?? ''
  const astray = routed.flatMap((row, i) => strayOf(examples[row] as Example, left[i] as LeftOut))
  const misrouted = astray.map(({ example, to }) => ({
    text: example.text,
    intent: nameOf(example.target as number),
    routed: nameOf(to),
  }))
  const known = model.intents.map(({ name, utterances }) => ({ name, lines: utterances.toString('utf8').split('\n') }))
  const router = routerOf(model)
  return {
    utterances: routed.length,
    accuracy: routed.length === 0 ? 1 : 1 - astray.length / routed.length,
    misrouted,
    confusions: confusionsOf(trained, astray),
    duplicates: duplicatesOf(trained),
    unreachable: known
      .filter(({ name, lines }) => !lines.some((line) => router.route(line).intent === name))
      .map(({ name }) => name),
    scarce: known
      .filter(({ lines }) => lines.length < FEWEST_UTTERANCES)
      .map(({ name, lines }) => ({ intent: name, utterances: lines.length })),
  }
}

type Stray = { example: Example; to: number }

function strayOf(example: Example, { own, rival }: LeftOut): Stray[] {
  if (own === null || rival === null || own > rival.margin) return []
  if (own === rival.margin && (example.target as number) < rival.intent) return []
  return [{ example, to: rival.intent }]
}

function confusionsOf({ model }: TrainedRouter, astray: readonly Stray[]): Confusion[] {
  const find = hashIndex(model.features)
  const pairs = new Map<string, { from: number; to: number; count: number; pull: Map<string, number> }>()
  for (const { example, to } of astray) {
    const from = example.target as number
    const key = `${from} ${to}`
    const pair = pairs.get(key) ?? { from, to, count: 0, pull: new Map<string, number>() }
    pairs.set(key, pair)
    pair.count += 1
    const towards = contributionsTo(model, find, to, example.reading)
    for (const [unit, word] of example.reading.units.entries()) {
      pair.pull.set(word, (pair.pull.get(word) ?? 0) + (towards[unit] ?? 0))
    }
  }
  return [...pairs.values()]
    .sort((a, b) => b.count - a.count || a.from - b.from || a.to - b.to)
    .map(({ from, to, count, pull }) => ({
      intent: model.intents[from]?.name ?? '',
      routed: model.intents[to]?.name ?? '',
      count,
      words: [...pull]
        .filter(([, weight]) => weight > 0)
        .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
        .slice(0, WORDS_SHOWN)
        .map(([word]) => word),
    }))
}

function duplicatesOf({ model, examples, rows }: TrainedRouter): Duplicate[] {
  const neighboursOf = neighbourFinder(rows, NEIGHBOURS)
  const found: Duplicate[] = []
  for (const [row, { target, text }] of examples.entries()) {
    if (target === null) continue
    const { rows: near, dots } = neighboursOf(row)
    for (const [i, other] of near.entries()) {
      const twin = examples[other]
      if (other <= row || !twin || twin.target === null || twin.target === target) continue
      // The bias adds 1 to every dot product.
      const length = Math.sqrt(((dots[0] as number) - 1) * ((dots[i * near.length + i] as number) - 1))
      const likeness = Math.min(1, ((dots[i] as number) - 1) / length)
      if (likeness < NEARLY_THE_SAME) continue
      found.push({
        texts: [text, twin.text],
        intents: [model.intents[target]?.name ?? '', model.intents[twin.target]?.name ?? ''],
        likeness: Math.round(likeness * 100) / 100,
      })
    }
  }
  return found.sort((a, b) => b.likeness - a.likeness || (a.texts[0] < b.texts[0] ? -1 : 1))
}
