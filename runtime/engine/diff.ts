import { isDeepStrictEqual } from 'node:util'
import { Fault } from '../../schemas/fault.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { LoadedBundle } from '../bundle/load.ts'
import { execute } from './execute.ts'
import type { Probe } from './probes.ts'

/** What one version does with a probe; `words` are those that decided. */
export type Behaviour =
  | { intent: string; outcome: 'answered' | 'fallback'; score: number; words: string[]; output: unknown }
  | { reason_code: Reason }

/**
 * How an answer changed, the gravest of what applies: it is refused or not any more, it crosses the threshold between
 * answer and fallback, it goes to another intent, it says something else.
 */
export type ChangeKind = 'refusal' | 'threshold' | 'intent' | 'output'

export type BehaviourChange = { probe: Probe; kind: ChangeKind; before: Behaviour; after: Behaviour }

/** Questions that an intent answers now and did not before, and the other way round; with some of them. */
export type IntentShift = { intent: string; won: number; lost: number; examples: BehaviourChange[] }

export type BehaviourDiff = {
  probes: number
  same: number
  counts: Record<ChangeKind, number>
  /** In the order of the probes. */
  changes: BehaviourChange[]
  /** Those with the most questions won and lost first. */
  intents: IntentShift[]
}

const MOST_EXAMPLES = 5

/**
 * Asks both versions every probe, with the same tenant's values, and reports what they do differently. A score that
 * moves without consequence is no change.
 */
export function diffBehaviour(
  before: LoadedBundle,
  after: LoadedBundle,
  probes: readonly Probe[],
  values: Values = {},
): BehaviourDiff {
  const changes = probes.flatMap((probe): BehaviourChange[] => {
    const [was, is] = [behaviour(before, probe, values), behaviour(after, probe, values)]
    const kind = kindOf(was, is)
    return kind === null ? [] : [{ probe, kind, before: was, after: is }]
  })
  const counts: Record<ChangeKind, number> = { refusal: 0, threshold: 0, intent: 0, output: 0 }
  for (const { kind } of changes) counts[kind] += 1
  return { probes: probes.length, same: probes.length - changes.length, counts, changes, intents: shiftsOf(changes) }
}

function behaviour(bundle: LoadedBundle, { input }: Probe, values: Values): Behaviour {
  try {
    const { intent, outcome, routing, output } = execute(
      bundle,
      { input, intent: null, alias: 'draft', explain: false },
      values,
    )
    return { intent, outcome, score: routing?.score ?? 0, words: routing?.matched ?? [], output }
  } catch (error) {
    if (error instanceof Fault) return { reason_code: error.reason }
    throw error
  }
}

function kindOf(before: Behaviour, after: Behaviour): ChangeKind | null {
  if ('reason_code' in before || 'reason_code' in after) return isDeepStrictEqual(before, after) ? null : 'refusal'
  if (before.outcome !== after.outcome) return 'threshold'
  if (before.intent !== after.intent) return 'intent'
  return isDeepStrictEqual(before.output, after.output) ? null : 'output'
}

function shiftsOf(changes: readonly BehaviourChange[]): IntentShift[] {
  const shifts = new Map<string, IntentShift>()
  const count = (side: Behaviour, field: 'won' | 'lost', change: BehaviourChange) => {
    if ('reason_code' in side) return
    const shift = shifts.get(side.intent) ?? { intent: side.intent, won: 0, lost: 0, examples: [] }
    shifts.set(side.intent, shift)
    shift[field] += 1
    if (shift.examples.length < MOST_EXAMPLES) shift.examples.push(change)
  }
  for (const change of changes) {
    if (change.kind === 'output') continue
    count(change.before, 'lost', change)
    count(change.after, 'won', change)
  }
  return [...shifts.values()].sort((a, b) => b.won + b.lost - a.won - a.lost || (a.intent < b.intent ? -1 : 1))
}
