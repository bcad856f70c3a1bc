import { Fault } from '../fault.ts'
import { validatorOf } from '../json-schema.ts'
import type { Reason } from '../reasons.ts'

/** The body of `POST /v1/gates/runs`: a sealed version, or the source below `bundles/` at a commit. */
export type GateRunRequest = { bundle: string; version: string } | { bundle: string; commit: string }

/** A run of the gates over one bundle source, under the rules that were in force when it was asked for. */
export type GateRun = {
  /** SHA-256 in hex over the digests of what goes in: equal inputs are one run. */
  id: string
  bundle: string
  /** Of the manifest; null while it is not known. */
  version: string | null
  /** The commit that was named; null for a sealed version. */
  commit: string | null
  source_digest: string
  /** `operator`, `tenant:<name>`, or `controller` where a promotion needed it. */
  asked_by: string
  /** RFC 3339. */
  requested_at: string
  status: 'queued' | 'running' | 'finished' | 'failed'
  /** RFC 3339; null until it finished. */
  finished_at: string | null
  verdict: 'pass' | 'fail' | null
  /** Digest of the report; null until it finished. */
  report: string | null
  /** Why there is no verdict, where the status is `failed`. */
  reason_code: Reason | null
  message: string | null
}

/** The answer of `GET /v1/gates/runs`, newest first; `next` goes into `after` for the page that follows. */
export type GateRunPage = { runs: GateRun[]; next: string | null }

/** @throws Fault `REQUEST_INVALID` */
export function parseGateRunRequest(value: unknown): GateRunRequest {
  const validate = validatorOf('http/gate-run-request', 'first')
  if (validate(value)) return value as GateRunRequest
  const { instancePath = '', keyword, message = 'is not a request' } = validate.errors?.[0] ?? {}
  const what =
    keyword === 'oneOf' || keyword === 'required' ? 'expected a bundle, and either a version or a commit' : ''
  throw new Fault('REQUEST_INVALID', what || `${instancePath === '' ? 'the body' : instancePath} ${message}`)
}
