import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  suggestThresholds,
  type Suggestion,
  type ThresholdCase,
  type TradeOff,
} from '../../../runtime/engine/routing/suggest-thresholds.ts'
import { Fault } from '../../../schemas/fault.ts'
import { optionText, type Call } from '../command.ts'
import type { LocalBundle } from './local-bundle.ts'
import type { Terminal } from '../terminal.ts'

const ROWS = 15

/** `now` is the threshold in the ontology; `svg` the curve of the table. */
export type BundleSuggestion = Suggestion & { bundle: string; cases: number; now: number }

/** A threshold for each bundle, from the cases of its suites that say where a question belongs. */
export function suggestFor(bundles: readonly LocalBundle[]): BundleSuggestion[] {
  return bundles.map((bundle) => {
    const cases = casesOf(bundle)
    const now = bundle.loaded.ontology.routing.threshold
    return { bundle: bundle.name, cases: cases.length, now, ...suggestThresholds(bundle.loaded.router, cases) }
  })
}

/** Writes the curve of the only bundle to the file that `--svg` names. @throws Fault `USAGE` where there are several */
export async function writeChart(call: Call, suggestions: readonly BundleSuggestion[]): Promise<void> {
  const file = optionText(call, 'svg')
  if (file === undefined) return
  const [only, ...others] = suggestions
  if (only === undefined || others.length > 0)
    throw new Fault('USAGE', `--svg draws one bundle, and there are ${suggestions.length}: name the bundle.`)
  await writeFile(resolve(call.cwd, file), only.svg)
}

export function formatSuggestions(suggestions: readonly BundleSuggestion[], terminal: Terminal): string {
  if (terminal.json)
    return JSON.stringify({ suggestions: suggestions.map(({ svg: _chart, ...suggestion }) => suggestion) })
  return suggestions
    .map(({ bundle, cases, now, proposed, table }) => {
      const head = `${terminal.style('bold', bundle)}  threshold ${now}, ${cases} cases`
      const step = Math.max(1, Math.floor(table.length / ROWS))
      const rows = table.filter((_, index) => index % step === 0).map(rowOf)
      const told =
        proposed === null
          ? 'No case is out of scope, so no threshold can be proposed: add cases that expect { "outcome": "fallback" }.'
          : `proposed: routing: { threshold: ${proposed.threshold}${proposed.min_margin > 0 ? `, min_margin: ${proposed.min_margin}` : ''} }  (keeps ${percent(proposed.kept)}, catches ${percent(proposed.caught)})`
      return [head, terminal.table([['THRESHOLD', 'KEPT', 'CAUGHT'], ...rows]), told].join('\n')
    })
    .join('\n\n')
}

/** Cases that name an intent, and those that belong to none because they expect the fallback. */
function casesOf({ parsed }: LocalBundle): ThresholdCase[] {
  const { fallback, routing } = parsed.ontology
  return [...parsed.suites.values()].flatMap(({ cases }) =>
    cases.flatMap(({ input, expect: { intent, outcome } }): ThresholdCase[] => {
      const question = input[routing.question]
      if (typeof question !== 'string') return []
      if (outcome === 'fallback' || intent === fallback) return [{ question, intent: null }]
      return intent === undefined ? [] : [{ question, intent }]
    }),
  )
}

const rowOf = ({ threshold, kept, caught }: TradeOff) => [threshold.toFixed(2), percent(kept), percent(caught)]

const percent = (share: number) => `${(share * 100).toFixed(1)} %`
