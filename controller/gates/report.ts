import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { SuiteResult } from '../../runtime/engine/suites.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { ReportInputs } from './report-inputs.ts'

/**
 * What the gates found about one bundle source: a pure function of its inputs, so that anyone can compute it again and
 * compare bytes. It holds no time, duration, path or name of a machine.
 */
export type GateReport = ReportInputs & {
  version: string
  bundle_id: string | null
  /** Digest of the sealed bundle; null where it did not compile. */
  digest: string | null
  verdict: 'pass' | 'fail'
  ran: { gate: string; verdict: 'pass' | 'fail' | 'warn' }[]
  findings: Finding[]
  suites: SuiteResult[]
}

/** RFC 8785 and a line feed. */
export function formatReport(report: GateReport): Buffer {
  return Buffer.from(`${canonicalize(report)}\n`)
}

/** `sha256:` and 64 lower-case hex digits over the bytes of a formatted report: its name on the branch `reports`. */
export function reportDigest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
