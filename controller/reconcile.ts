import { Fault } from '../schemas/fault.ts'
import { act, type ActDeps } from './act.ts'
import { observe, type ObserveDeps } from './observe.ts'
import { planChanges, type Plan } from './plan.ts'
import type { JudgeRequest } from './promotion/bundle-judge.ts'
import type { ValuesRequest } from './promotion/values-verdicts.ts'
import { followLive, remember, type Live, type LiveDeps } from './promotion/live.ts'

export type ReconcileDeps = ObserveDeps &
  ActDeps &
  LiveDeps & {
    now: () => Date
    /** Starts the gates that must run before the rest can be decided. */
    want: (missing: readonly JudgeRequest[]) => void
    /** The same for values of tenants. */
    wantValues: (missing: readonly ValuesRequest[]) => void
    onEntry: (live: Live, plan: Plan) => void
    onRestored: (live: Live) => void
  }

/** A writer that loses this often in a row waits for the next look. */
const MAX_ROUNDS = 20

/** What a look found that is of interest beside what it wrote. */
export type Looked = {
  live: Live
  wakeAt: Date | null
  /** Of `main`; null where there is none. */
  tip: string | null
  /** Bundles whose gates have given no verdict yet. */
  judging: number
}

/** Observe, plan, act, until nothing new is to be written. Whoever loses a race looks again and decides again. */
export async function reconcile(deps: ReconcileDeps, before: Live): Promise<Looked> {
  await deps.repository.refresh()
  let live = before
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const followed = await followLive(deps, live)
    live = followed.live
    if (followed.restored) deps.onRestored(live)
    const { observation, missing, tip } = await observe(deps, live, deps.now())
    deps.want(missing)
    const plan = planChanges(observation, deps.now())
    deps.wantValues([...plan.next.unjudged.values()])
    if (plan.decisions.length === 0) {
      const settled = await settle(deps, live, plan)
      return { live: settled, wakeAt: plan.wakeAt, tip, judging: missing.length }
    }
    try {
      const head = await act(plan, observation, deps)
      live = { head, standing: plan.standing }
      deps.onEntry(live, plan)
      await remember(deps.memory, live)
    } catch (error) {
      if (!(error instanceof Fault) || error.reason !== 'REF_CONFLICT') throw error
      await deps.repository.refresh()
    }
  }
  throw new Fault('REF_CONFLICT', `Somebody else was first ${MAX_ROUNDS} times in a row; looking again later.`)
}

/** Nothing is to be written; what no longer differs no longer stands. */
async function settle({ memory }: LiveDeps, live: Live, { standing }: Plan): Promise<Live> {
  if (standing.size === live.standing.size && [...standing.keys()].every((subject) => live.standing.has(subject)))
    return live
  const settled = { head: live.head, standing }
  await memory.writeStanding(settled.head.oid, [...standing.values()])
  return settled
}
