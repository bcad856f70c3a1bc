import { Fault } from '../fault.ts'
import { validatorOf } from '../json-schema.ts'
import type { Reason } from '../reasons.ts'
import type { ShadowCount } from './shadow.ts'

/** What a Runtime says that it serves. */
export type ServedReport = {
  node: string
  runtime_version: string
  /** As `/readyz` has it. */
  status: 'starting' | 'ready' | 'degraded' | 'expired'
  reason_code?: string
  /** Of the accepted ledger; -1 before there is one. */
  seq: number
  /** How many aliases of tenants are answered from a bundle, by digest. */
  digests: Record<string, number>
  /** Reason codes of the bundles that it refuses to serve, by digest. */
  refused: Record<string, string>
}

/** Body of `POST /v1/audit/checkpoints`. */
export type CheckpointReport = {
  /** C2SP signed note. */
  checkpoint: string
  /** The log's verifier key; its name is the log's origin. */
  verifier: string
  /** Size that the witness saw last, 0 for a log that it does not know. */
  old_size: number
  /** Hashes in base64: that the log extends what it was at `old_size` (RFC 6962). */
  proof: string[]
  serves: ServedReport
  /** C2SP signed note by the log's key: how often candidates were compared under the checkpoint. */
  shadow?: string
}

/** The answer, and that of `GET /v1/audit/checkpoints?origin=`. */
export type Witnessed = {
  origin: string
  size: number
  /** The checkpoint with the witness's cosignature; the Runtime keeps it as its anchor. */
  checkpoint: string
  /** The witness's verifier key. */
  witness: string
}

/** One log in the answer of `GET /v1/runtimes`. */
export type RuntimeView = {
  origin: string
  node: string
  /** Records under the last checkpoint that was witnessed. */
  size: number
  /** Seconds since the Runtime was heard of; null where this controller has not heard of it since its start. */
  age_s: number | null
  /** Seconds since the log last grew under a witnessed checkpoint; null like `age_s`. */
  checkpoint_age_s: number | null
  serves: ServedReport | null
  /** Comparisons of candidates with what is current, under the last checkpoint. */
  shadow: ShadowCount[]
  /** A checkpoint that was refused, until one is accepted again. */
  trouble: { reason_code: Reason; message: string; at: string } | null
}

/** Answer of `GET /v1/runtimes`. */
export type Fleet = {
  /** Of the ledger that the controller wrote last. */
  seq: number
  witness: string
  runtimes: RuntimeView[]
}

/** @throws Fault `REQUEST_INVALID` */
export function parseCheckpointReport(value: unknown): CheckpointReport {
  const validate = validatorOf('http/checkpoint-report', 'first')
  if (validate(value)) return value as CheckpointReport
  const { instancePath = '', message = 'is not a report' } = validate.errors?.[0] ?? {}
  throw new Fault('REQUEST_INVALID', `${instancePath === '' ? 'the body' : instancePath} ${message}`)
}
