import { readBundleFiles } from '../../runtime/bundle/read.ts'
import type { ObjectReader, ObjectWriter } from '../../runtime/git/object-reader.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import type { GateReport } from '../gates/report.ts'
import { inputDigests, judgementId } from '../gates/report-inputs.ts'
import type { Sandbox } from '../gates/sandbox.ts'
import { judgeSource } from './judge-source.ts'
import { prepareSeal } from './prepare-seal.ts'
import type { Signer } from './sign.ts'
import type { PreparedSeal, Refusal } from './wanted.ts'

/** A bundle source to be judged: where it is, and everything that a verdict depends on. */
export type JudgeRequest = {
  name: string
  /** Oid of the folder's tree. */
  tree: string
  sourceDigest: string
  rules: Registry
  /** Existing seals of the bundle. */
  sealed: readonly SealRecord[]
}

export type Judged =
  | { verdict: 'refused'; version: string; reason: Refusal; report: string }
  | { verdict: 'passed'; version: string; seal: PreparedSeal; report: string }

export type JudgeDeps = {
  repository: ObjectReader & ObjectWriter
  signer: Signer
  sandbox: Sandbox
}

/**
 * Runs the gates over one bundle source and, where they pass, writes the objects of its seal.
 * @throws faults of Git and of the seal; a verdict of the gates is never thrown.
 */
export async function judgeBundle(
  { repository, signer, sandbox }: JudgeDeps,
  { name, tree, sourceDigest, rules, sealed }: JudgeRequest,
): Promise<{ judged: Judged; report: GateReport; bytes: Buffer }> {
  const { files } = await readBundleFiles(repository, tree, `bundles/${name}/`)
  const judgedSource = await judgeSource(repository, sandbox.judge, { name, files, rules, sealed })
  const { outcome, bytes, digest: report } = judgedSource
  const { version } = outcome.report
  if (outcome.report.verdict === 'fail' || outcome.sealed === null) {
    return {
      judged: { verdict: 'refused', version, reason: reasonOf(outcome.report), report },
      report: outcome.report,
      bytes,
    }
  }
  const request = {
    registry: rules.registry,
    bundle: name,
    sourceDigest,
    source: files,
    sealed: outcome.sealed,
    report,
  }
  const seal = await prepareSeal(repository, signer, request)
  return { judged: { verdict: 'passed', version: seal.version, seal, report }, report: outcome.report, bytes }
}

/** Names a verdict: equal for requests that must have the same one. */
export const judgeKey = (request: JudgeRequest): string => judgementId(inputDigests(request))

/** The first error of a report that refuses. */
export function reasonOf({ findings, bundle }: GateReport): Refusal {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [finding] = errors
  if (finding !== undefined) return { finding, more: errors.length - 1 }
  const place = { path: `bundles/${bundle}`, line: 1, column: 1 }
  const message = 'The gates gave no sealed bundle and no reason.'
  return {
    finding: { gate: 'sandbox', code: 'GATE_CRASHED', severity: 'error', ...place, message, hint: 'Report this.' },
    more: 0,
  }
}
