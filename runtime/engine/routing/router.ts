import type { RoutingDetail } from '../../../schemas/http/execute.ts'
import type { RouterModel } from './model.ts'
import { hashIndex } from './hash-index.ts'
import { nearestUtterance } from './nearest.ts'
import { createReader, type Reading, type ReadingRules } from './reading.ts'
import { createScorer, type Scored } from './score.ts'
import { UNITS } from './scale.ts'
import { decodeRouter } from './sealed-format.ts'
import { createSpelling } from './spelling.ts'
import { isUnspaced } from './words.ts'
import { wordHash } from './features.ts'

/** `score` and `threshold` are from 0 to 1; `matched` are the words of the question that spoke for the intent. */
export type Route = {
  outcome: 'answered' | 'fallback'
  /** The intent that answers; the fallback of the ontology where the outcome is `fallback`. */
  intent: string
  score: number
  threshold: number
  matched: string[]
  /** The best intent and at most nine within `min_margin` of it, where that is why the outcome is `fallback`. */
  ambiguous: string[]
}

export type ExplainedRoute = Route & { detail: RoutingDetail }

export type Router = {
  /** Names of the intents that a question may be routed to, in code unit order. */
  intents: readonly string[]
  /** How it reads words. */
  rules: ReadingRules
  route(question: string): Route
  explain(question: string): ExplainedRoute
}

/** A word is named as matched when it gives at least this share of what the strongest word gives. */
const MATCHED_SHARE = 0.4
/** Nobody can be asked back about more. */
const MOST_AMBIGUOUS = 10

/**
 * @throws Fault `BUNDLE_UNVERIFIED` for bytes that are no router; `INCOMPATIBLE_RUNTIME` where this process would read
 *   words in another way than the process that compiled it.
 */
export function loadRouter(bytes: Buffer): Router {
  return routerOf(decodeRouter(bytes))
}

export function routerOf(model: RouterModel): Router {
  const find = hashIndex(model.features)
  const correct = isUnspaced(model.rules.language) ? () => null : createSpelling(model.vocabulary)
  const { read, forms } = createReader(model.rules, { knowsStem: (stem) => find(...wordHash(stem)) >= 0, correct })
  const score = createScorer(model, find)
  const nearest = nearestUtterance(model.intents, { read, forms })
  return {
    intents: model.intents.map(({ name }) => name),
    rules: model.rules,
    route: (question) => {
      const reading = read(question)
      return routeOf(model, reading, score(reading))
    },
    explain: (question) => {
      const reading = read(question)
      const scored = score(reading)
      const route = routeOf(model, reading, scored)
      const nearestText = scored.best < 0 ? null : nearest(scored.best, reading)
      return { ...route, detail: detailOf(model, reading, scored, route, nearestText) }
    },
  }
}

function routeOf(model: RouterModel, reading: Reading, scored: Scored): Route {
  const { units } = reading
  const best = model.intents[scored.best]
  const threshold = best?.threshold ?? 1
  const top = scored.all[scored.best] ?? 0
  // Without a word there is nothing that could speak for an intent.
  const score = units.length === 0 ? 0 : top / UNITS
  const matched = matchedWords(reading, scored)
  const refused = { outcome: 'fallback', intent: model.fallback, score, threshold, matched } as const
  if (!best || units.length === 0 || score < threshold) return { ...refused, ambiguous: [] }
  const near = (scored.all[scored.second] ?? -Infinity) > top - model.minMargin * UNITS
  if (!near) return { outcome: 'answered', intent: best.name, score, threshold, matched, ambiguous: [] }
  const ambiguous = [...scored.all.keys()]
    .filter((intent) => (scored.all[intent] as number) > top - model.minMargin * UNITS)
    .sort((a, b) => (scored.all[b] as number) - (scored.all[a] as number) || a - b)
    .slice(0, MOST_AMBIGUOUS)
    .map((intent) => model.intents[intent]?.name ?? '')
  return { ...refused, ambiguous }
}

function matchedWords({ units, corrections }: Reading, { contributions, unknown }: Scored): string[] {
  const strongest = contributions.reduce((most, each) => Math.max(most, each), 0)
  const least = Math.max(1, MATCHED_SHARE * strongest)
  const matched = units
    .map((word, i) => corrections.get(i)?.to ?? word)
    .filter((_, i) => unknown[i] === 0 && (contributions[i] ?? 0) >= least)
  return [...new Set(matched)]
}

function detailOf(
  model: RouterModel,
  { units, synonyms, corrections }: Reading,
  scored: Scored,
  { ambiguous }: Route,
  nearest: string | null,
): RoutingDetail {
  const runnerUp = model.intents[scored.second]
  const best = model.intents[scored.best]
  return {
    ...(best && { best: best.name }),
    contributions: units.map((word, i) => ({ word, weight: (scored.contributions[i] ?? 0) / UNITS })),
    unknown: units.filter((_, i) => scored.unknown[i] === 1),
    synonyms,
    corrections: [...corrections.values()],
    runner_up: runnerUp ? { intent: runnerUp.name, score: (scored.all[scored.second] ?? 0) / UNITS } : null,
    ambiguous,
    nearest,
  }
}
