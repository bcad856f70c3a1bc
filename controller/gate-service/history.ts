import { Fault } from '../../schemas/fault.ts'
import type { GateRun, GateRunPage } from '../../schemas/http/gate-run.ts'
import type { RunBranch } from './run-branch.ts'

export type HistoryQuery = {
  /** Of this bundle only; null for all. */
  bundle: string | null
  limit: number
  /** What the page before called `next`. */
  after: string | null
}

/** Runs read for one page at most: one who may see few of them pages on. */
const MAX_READ = 500
const CURSOR = /^\d{4}-\d{2}\/[^/]{1,200}$/

/**
 * Finished runs, newest first.
 * @throws Fault `REQUEST_INVALID` for an `after` that no page gave
 */
export async function historyPage(
  branch: Pick<RunBranch, 'names' | 'read'>,
  { bundle, limit, after }: HistoryQuery,
  isVisible: (run: GateRun) => boolean,
): Promise<GateRunPage> {
  if (after !== null && !CURSOR.test(after))
    throw new Fault('REQUEST_INVALID', 'after: expected what the page before called next')
  const runs: GateRun[] = []
  let last: string | null = null
  let read = 0
  for (const name of await branch.names()) {
    const cursor = name.path.slice('runs/'.length)
    if ((bundle !== null && name.bundle !== bundle) || (after !== null && cursor >= after)) continue
    if (runs.length === limit || read === MAX_READ) return { runs, next: last }
    const run = await branch.read(name)
    read += 1
    last = cursor
    if (isVisible(run)) runs.push(run)
  }
  return { runs, next: null }
}
