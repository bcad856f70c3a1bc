import { createHash } from 'node:crypto'
import type { SuiteResult } from '../../runtime/engine/suites.ts'
import type { Finding } from '../../schemas/finding.ts'

/**
 * What the gates found about one bundle source: a pure function of the source, the seals that existed, the rules and
 * the versions named here, so that anyone can compute it again and compare bytes.
 */
export type GateReport = {
  gates: number
  compiler: number
  /** The Runtime version that the bundle was judged for. */
  runtime: string
  bundle: string
  version: string
  source_digest: string
  bundle_id: string | null
  /** Digest of the sealed bundle; null where it did not compile. */
  digest: string | null
  verdict: 'pass' | 'fail'
  ran: { gate: string; verdict: 'pass' | 'fail' | 'warn' }[]
  findings: Finding[]
  suites: SuiteResult[]
}

export function formatReport(report: GateReport): Buffer {
  return Buffer.from(`${JSON.stringify(report, null, 2)}\n`)
}

/** `sha256:` and 64 lower-case hex digits over the bytes of a formatted report: its name on the branch `reports`. */
export function reportDigest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
