import type { Repository } from '../../runtime/git/repository.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import type { GateReport } from '../gates/report.ts'
import type { ToldDecision } from '../events.ts'
import { readReport } from './reports.ts'

export type ReportCounts = { passed: number; ran: number }

export function countGates({ ran }: Pick<GateReport, 'ran'>): ReportCounts {
  return { passed: ran.filter(({ verdict }) => verdict !== 'fail').length, ran: ran.length }
}

const MAX_KEPT = 10_000

/** Adds to decisions what people want to see beside them; a report that cannot be read leaves it out. */
export function openTeller(repository: Repository, reportOf: (digest: string) => Buffer | null) {
  const counts = new Map<string, ReportCounts>()

  async function countsOf(digest: string | null): Promise<ReportCounts | null> {
    if (digest === null) return null
    const known = counts.get(digest)
    if (known !== undefined) return known
    const bytes = reportOf(digest) ?? (await readReport(repository, digest))
    if (bytes === null) return null
    const counted = countGates(JSON.parse(bytes.toString('utf8')) as GateReport)
    if (counts.size >= MAX_KEPT) counts.clear()
    counts.set(digest, counted)
    return counted
  }

  return (decisions: readonly Decision[]): Promise<ToldDecision[]> =>
    Promise.all(decisions.map(async (decision) => ({ ...decision, gates: await countsOf(decision.report) })))
}
