import {
  suggestThresholds,
  type ThresholdCase,
  type TradeOff,
} from '../../runtime/engine/routing/suggest-thresholds.ts'
import type { LocalBundle } from './local-bundle.ts'
import type { Terminal } from './terminal.ts'

const ROWS = 15

/** A threshold for each bundle, from the cases of its suites that say where a question belongs. */
export function suggestFor(bundles: readonly LocalBundle[], terminal: Terminal): string {
  const suggestions = bundles.map((bundle) => {
    const cases = casesOf(bundle)
    const { table, proposed } = suggestThresholds(bundle.loaded.router, cases)
    return { bundle: bundle.name, cases: cases.length, now: bundle.loaded.ontology.routing.threshold, proposed, table }
  })
  if (terminal.json) return JSON.stringify({ suggestions })
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
