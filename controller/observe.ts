import type { Repository } from '../runtime/git/repository.ts'
import type { Observation } from './plan.ts'
import type { JudgeRequest } from './promotion/bundle-judge.ts'
import type { Live } from './promotion/live.ts'
import type { BundleObserver } from './promotion/observe-bundles.ts'
import type { openMainObserver } from './promotion/observe-main.ts'
import { orFindings } from './promotion/read-file.ts'
import { MAIN_REF, type MainReader } from './promotion/read-main.ts'
import { isReadable } from './promotion/wanted.ts'

export type ObserveDeps = {
  repository: Repository
  main: MainReader
  line: ReturnType<typeof openMainObserver>
  bundles: BundleObserver
  /** What Runtimes reported of candidates; null while that is not known yet. */
  comparisons: () => Observation['comparisons']
  /** What is known of tenants' values in bundles. */
  values: Observation['values']
}

/** Observations, and the gates that must run before some of what is wanted can be decided. */
export type Observed = {
  observation: Observation
  missing: JudgeRequest[]
  /** Of `main`; null where there is none. */
  tip: string | null
}

/** Reads what `main` wants, beside what is known of `live`. Writes nothing. */
export async function observe(
  { repository, main, line: lineOf, bundles, comparisons, values }: ObserveDeps,
  live: Live,
  now: Date,
): Promise<Observed> {
  const { head, standing } = live
  const { rules } = head.state.registry
  const tip = await repository.readRef(MAIN_REF)
  if (tip === null) {
    const line = { kind: 'rewritten', tip, acceptances: [] } as const
    return { observation: { head, main: line, wanted: null, standing, comparisons: null, values }, missing: [], tip }
  }
  const read = await orFindings('main', async () => {
    const content = await main.read(tip)
    return { content, line: await lineOf(tip, head.entry.source, content.governance, rules.main?.signatures) }
  })
  if (!isReadable(read)) {
    const line = { kind: 'unreadable', findings: read.findings } as const
    return { observation: { head, main: line, wanted: null, standing, comparisons: null, values }, missing: [], tip }
  }
  const { governance, tenants, unreadable, bundles: folders } = read.value.content
  const { line } = read.value
  const { bundles: found, missing } = await bundles.observe(folders, head, tip, now)
  const wanted = { governance, tenants, unreadable, bundles: found }
  const observation = { head, main: line, wanted, standing, comparisons: comparisons(), values }
  return { observation, missing: line.kind === 'descends' ? missing : [], tip }
}
