import { readBundleFiles } from '../../../runtime/bundle/read.ts'
import { readCommit } from '../../../runtime/git/history.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import { entryAt } from '../../../runtime/git/tree-files.ts'
import type { VerifiedLedger } from '../../../runtime/trust/ledger.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Decision } from '../../../schemas/ledger/entry.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'
import { GATES_VERSION } from '../../gates/catalog.ts'
import { reportDigest, type GateReport } from '../../gates/report.ts'
import { REPORT_FORM } from '../../gates/report-inputs.ts'
import type { Sandbox } from '../../gates/sandbox.ts'
import { crashOf } from '../../gate-service/run-records.ts'
import { judgeSource } from '../../promotion/judge-source.ts'
import { sealsOf } from '../../promotion/seals-of.ts'
import { firstDifference } from './first-difference.ts'

/** A report that a decision of `live` names, and what its judgement began with. */
export type NamedReport = {
  digest: string
  seq: number
  subject: string
  bundle: string
  decision: Pick<Decision, 'kind' | 'reason_code' | 'to'>
  /** The commit of `main` that was judged. */
  source: string
  /** In force before the entry. */
  rules: Registry
  sealed: readonly SealRecord[]
}

/**
 * `undecided`: it cannot be computed here. `stopped`: its gates were stopped before they were done, which no other
 * machine repeats; such a report only ever refuses.
 */
export type Recomputed =
  | { kind: 'same'; report: NamedReport }
  | { kind: 'undecided' | 'stopped' | 'missing' | 'damaged' | 'different'; report: NamedReport; message: string }

const SUBJECT = /^bundles\/([^/]+)(?:\/|$)/

/** The reports that one entry names; `before` is the ledger that its bundles were judged under. */
export function namedReports(before: VerifiedLedger | null, { seq, entry }: VerifiedLedger): NamedReport[] {
  if (before === null) return []
  const { registry, seals } = before.state
  return entry.decisions.flatMap(({ report, subject, kind, reason_code, to }) => {
    const bundle = SUBJECT.exec(subject)?.[1]
    if (report === null || bundle === undefined) return []
    const decision = { kind, reason_code, to }
    const inForce = { rules: registry.rules, sealed: sealsOf(seals, bundle) }
    return [{ digest: report, seq, subject, bundle, decision, source: entry.source, ...inForce }]
  })
}

export type RecomputeDeps = {
  reader: ObjectReader
  judge: Sandbox['judge']
  /** What the branch `reports` holds under a digest. */
  bytesOf: (digest: string) => Promise<Buffer | null>
}

/** Computes a report again from what Git holds, and compares it with what the decision names and the branch holds. */
export async function recompute(deps: RecomputeDeps, report: NamedReport): Promise<Recomputed> {
  const kept = await deps.bytesOf(report.digest)
  const isDamaged = kept !== null && reportDigest(kept) !== report.digest
  const claimed = kept === null ? null : parsed(kept)
  const unknown = isDamaged || claimed === null ? null : unknownForm(claimed)
  if (unknown !== null) return { kind: 'undecided', report, message: unknown }
  if (report.rules.gates > GATES_VERSION) {
    const message = `it was made by gates ${report.rules.gates}, and this version knows them up to ${GATES_VERSION}`
    return { kind: 'undecided', report, message }
  }
  if (!isDamaged && claimed !== null && crashOf(claimed) !== null)
    return { kind: 'stopped', report, message: `${crashOf(claimed)?.message} It refused the bundle.` }
  const made = await judgedAgain(deps, report)
  if ('message' in made) return { report, ...made }
  if (made.digest !== report.digest) {
    const where = claimed === null ? '' : `; the first difference is ${firstDifference(claimed, made.report)}`
    return { kind: 'different', report, message: `computed again it is ${made.digest}${where}` }
  }
  const contradiction = contradictionOf(report, made.report)
  if (contradiction !== null) return { kind: 'different', report, message: contradiction }
  if (kept === null) return { kind: 'missing', report, message: 'it is not on the branch reports; its decision holds' }
  if (isDamaged) {
    const message = `what the branch reports holds has the digest ${reportDigest(kept)}; its decision holds`
    return { kind: 'damaged', report, message }
  }
  return { kind: 'same', report }
}

type Made = { digest: string; report: GateReport } | { kind: 'undecided' | 'different'; message: string }

async function judgedAgain({ reader, judge }: RecomputeDeps, named: NamedReport): Promise<Made> {
  const { bundle, source, rules, sealed } = named
  try {
    const path = `bundles/${bundle}`
    const folder = await entryAt(reader, (await readCommit(reader, source)).tree, path)
    if (folder === null) return { kind: 'different', message: `there is no ${path}/ at ${source}` }
    const { files } = await readBundleFiles(reader, folder.oid, `${path}/`)
    const { outcome, digest } = await judgeSource(reader, judge, { name: bundle, files, rules, sealed })
    const crash = crashOf(outcome.report)
    if (crash !== null) return { kind: 'undecided', message: `its gates were stopped here: ${crash.message}` }
    return { digest, report: outcome.report }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.reason === 'OBJECT_MISSING')
      return { kind: 'undecided', message: `this clone lacks an object that it is made of: ${error.message}` }
    if (error.reason === 'BUNDLE_UNVERIFIED') return { kind: 'different', message: error.message }
    throw error
  }
}

/** What a decision says that its report does not. */
function contradictionOf({ decision, subject }: NamedReport, report: GateReport): string | null {
  if (decision.kind === 'seal' && (report.verdict !== 'pass' || report.digest !== decision.to?.digest))
    return `${subject} was sealed as ${decision.to?.digest}, and its report says ${report.verdict}, ${report.digest}`
  if (decision.kind === 'refuse' && decision.reason_code !== 'TAG_CONFLICT') {
    const codes = report.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code)
    if (!codes.includes(decision.reason_code))
      return `${subject} was refused for ${decision.reason_code}, and its report has ${codes.join(', ') || 'no error'}`
  }
  return null
}

/** The report that the bytes hold; null where they are no JSON object. */
function parsed(bytes: Buffer): GateReport | null {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as GateReport | null
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

function unknownForm({ v }: { v?: number }): string | null {
  return v === REPORT_FORM ? null : `it has the form ${v ?? 0}, and this version computes form ${REPORT_FORM}`
}
