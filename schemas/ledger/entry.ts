import { LEDGER } from '../limits.ts'
import { parseOrThrow, type FileKind } from '../parse-file.ts'
import type { Reason } from '../reasons.ts'

/** A bundle version as a decision names it. */
export type BundleRef = { bundle: string; version: string; digest: string }

/**
 * One judgement about one subject: `bundles/<name>/<version>`, `<tenant>/<alias>`, `tenants/<tenant>`,
 * `governance/<file>`, `registry.yaml`, or `main` itself; for a malformed file that is no subject of its own, its path.
 */
export type Decision = {
  subject: string
  kind: 'seal' | 'promote' | 'rollback' | 'change' | 'refuse'
  decision: 'allow' | 'deny' | 'wait'
  reason_code: Reason
  /** What a person reads: what was found, and what to do. */
  message: string
  /** RFC 3339: when a `wait` ends by itself. */
  not_before: string | null
  from: BundleRef | null
  to: BundleRef | null
  people: { authors: string[]; approvers: string[] }
  /** Digest of the gate report, where gates ran. */
  report: string | null
  /** `sha256:` over the RFC 8785 form of the tenant's values that it was judged with, where there are some. */
  values?: string
}

/** `entry.json` of a commit on `live`. */
export type Entry = {
  seq: number
  /** `sha256:` digest of the entry.json before; null at seq 0. */
  prev: string | null
  /** RFC 3339, UTC, from the controller's clock; never before the entry before. */
  at: string
  /** The commit on `main` that was judged. */
  source: string
  /** First-parent commits of `main` that were passed over since the entry before, oldest first. */
  covers: string[]
  /** `sha256:` over the state files (all but entry.json), in the format of a bundle's digest. */
  state_root: string
  decisions: Decision[]
}

const ENTRY: FileKind<Entry> = {
  schema: 'ledger/entry',
  format: 'json',
  limits: LEDGER,
  gate: 'ledger',
  code: 'LEDGER_BROKEN',
  complete: (written) => written,
}

/** @throws Fault `LEDGER_BROKEN` */
export function parseEntry(bytes: Uint8Array, path: string): Entry {
  return parseOrThrow(ENTRY, bytes, path)
}
