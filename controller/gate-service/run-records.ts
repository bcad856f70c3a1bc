import type { GateRun } from '../../schemas/http/gate-run.ts'
import { reportDigest, type GateReport } from '../gates/report.ts'
import { judgementId } from '../gates/report-inputs.ts'
import type { FinishedRun } from './run-branch.ts'
import type { RunSubject } from './subject.ts'

export function newRun(id: string, { name, sourceDigest, from }: RunSubject, askedBy: string, now: Date): GateRun {
  return {
    id,
    bundle: name,
    version: from.kind === 'seal' ? from.seal.version : null,
    commit: from.kind === 'seal' ? null : from.commit,
    source_digest: sourceDigest,
    asked_by: askedBy,
    requested_at: now.toISOString(),
    status: 'queued',
    finished_at: null,
    verdict: null,
    report: null,
    reason_code: null,
    message: null,
  }
}

export function finishedRun(run: GateRun, report: GateReport, digest: string, now: Date): FinishedRun {
  const version = report.version === '' ? run.version : report.version
  return {
    ...run,
    version,
    status: 'finished',
    finished_at: now.toISOString(),
    verdict: report.verdict,
    report: digest,
  }
}

/** The run that a judgement for a promotion was. */
export function promotionRun(report: GateReport, bytes: Buffer, now: Date): FinishedRun {
  const run: GateRun = {
    id: judgementId(report),
    bundle: report.bundle,
    version: null,
    commit: null,
    source_digest: report.source_digest,
    asked_by: 'controller',
    requested_at: now.toISOString(),
    status: 'queued',
    finished_at: null,
    verdict: null,
    report: null,
    reason_code: null,
    message: null,
  }
  return finishedRun(run, report, reportDigest(bytes), now)
}

/** Why a report is no verdict: its gates were stopped, or ended before they were done. */
export const crashOf = ({ findings }: GateReport) =>
  findings.find(({ code }) => code === 'GATE_CRASHED' || code === 'GATE_TIMEOUT') ?? null
