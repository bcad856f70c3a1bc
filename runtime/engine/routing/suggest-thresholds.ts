import type { Router } from './router.ts'
import { tradeOffChart } from './trade-off-chart.ts'

/** A question and the intent it belongs to; null for one that nothing should answer. */
export type ThresholdCase = { question: string; intent: string | null }

/**
 * What a threshold and margin give: the share of questions that still get their own intent (`kept`), and the share of
 * questions out of scope that get none (`caught`).
 */
export type TradeOff = { threshold: number; min_margin: number; kept: number; caught: number }

export type Suggestion = {
  /** Without a margin, from the lowest threshold to the highest; only thresholds that change something. */
  table: TradeOff[]
  /** Catches most while at most `LOSS` is lost; null where no case is out of scope. */
  proposed: TradeOff | null
  svg: string
}

/** Share of right answers that a proposal may lose. */
const LOSS = 0.02
const STEPS = 100
const MARGINS = [0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15]

type Scored = { right: boolean; inScope: boolean; score: number; lead: number }

/** Thresholds in the ontology do not matter here: every case is judged by its score alone. */
export function suggestThresholds(router: Router, cases: readonly ThresholdCase[]): Suggestion {
  const scored = cases.map(({ question, intent }): Scored => {
    const { score, detail } = router.explain(question)
    return {
      right: intent !== null && detail.best === intent,
      inScope: intent !== null,
      score,
      lead: score - (detail.runner_up?.score ?? 0),
    }
  })
  const at = (threshold: number, margin: number) => tradeOff(scored, threshold, margin)
  const thresholds = Array.from({ length: STEPS + 1 }, (_, step) => step / STEPS)
  const table = thresholds
    .map((threshold) => at(threshold, 0))
    .filter(({ kept, caught }, i, all) => i === 0 || kept !== all[i - 1]?.kept || caught !== all[i - 1]?.caught)
  const enough = (table[0]?.kept ?? 0) - LOSS
  const candidates = scored.some(({ inScope }) => !inScope)
    ? MARGINS.flatMap((margin) => thresholds.map((threshold) => at(threshold, margin)))
    : []
  const proposed = candidates
    .filter(({ kept }) => kept >= enough)
    .reduce<TradeOff | null>((best, each) => (best === null || isBetter(each, best) ? each : best), null)
  return { table, proposed, svg: tradeOffChart(table, proposed) }
}

function tradeOff(scored: readonly Scored[], threshold: number, margin: number): TradeOff {
  let inScope = 0
  let kept = 0
  let caught = 0
  for (const each of scored) {
    const answered = each.score >= threshold && each.lead >= margin
    if (each.inScope) inScope += 1
    if (each.inScope && each.right && answered) kept += 1
    if (!each.inScope && !answered) caught += 1
  }
  const outside = scored.length - inScope
  return {
    threshold,
    min_margin: margin,
    kept: inScope === 0 ? 1 : kept / inScope,
    caught: outside === 0 ? 1 : caught / outside,
  }
}

/** More caught, then more kept, then the simpler and lower setting. */
function isBetter(a: TradeOff, b: TradeOff): boolean {
  if (a.caught !== b.caught) return a.caught > b.caught
  if (a.kept !== b.kept) return a.kept > b.kept
  return a.min_margin === b.min_margin ? a.threshold < b.threshold : a.min_margin < b.min_margin
}
