import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { bundleDigest, sourceDigest } from '../../runtime/bundle/digest.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import type { SealedVersion } from './gate.ts'
import type { GateRequest } from './judge-bundle.ts'

/** Form of a report's bytes; it changes only together with them. */
export const REPORT_FORM = 1

/** Everything that a report is a function of; digests are `sha256:` and 64 lower-case hex digits. */
export type ReportInputs = {
  v: typeof REPORT_FORM
  /** Version of the gate catalogue. */
  gates: number
  compiler: number
  /** The Runtime version that the bundle was judged for. */
  runtime: string
  /** Name of the folder under `bundles/`. */
  bundle: string
  source_digest: string
  /** Of the rules in force that gates read, `rulesRead`, in RFC 8785 form. */
  governance_digest: string
  /** Of the seals that existed: lines `<version> <digest>\n`, sorted. */
  seals_digest: string
  /** Of the sealed version that it was compared with; null where there was none. */
  previous_digest: string | null
  /** Of the tenant's values that the suites ran with, in RFC 8785 form; null where with the defaults. */
  values_digest: string | null
}

export function reportInputs({ files, name, rules, sealed, previous }: GateRequest): ReportInputs {
  return {
    v: REPORT_FORM,
    gates: rules.gates,
    compiler: rules.compiler,
    runtime: rules.runtime.version,
    ...inputDigests({ name, sourceDigest: sourceDigest(files), rules, sealed }),
    previous_digest: previous === null ? null : bundleDigest(previous),
  }
}

export type InputDigests = Pick<
  ReportInputs,
  'bundle' | 'source_digest' | 'governance_digest' | 'seals_digest' | 'values_digest'
>

/** The digests that tell one judgement from another; all else in a report follows from what they are of. */
export function inputDigests({ name, sourceDigest: source_digest, rules, sealed }: ToJudge): InputDigests {
  return {
    bundle: name,
    source_digest,
    governance_digest: digestOf(canonicalize(rulesRead(rules)) ?? ''),
    seals_digest: sealsDigest(sealed),
    values_digest: null,
  }
}

type ToJudge = { name: string; sourceDigest: string; rules: Registry; sealed: readonly SealedVersion[] }

/** Names a judgement, 64 hex digits: equal for inputs that must have the same report. */
export function judgementId(inputs: InputDigests): string {
  const { bundle, source_digest, governance_digest, seals_digest, values_digest } = inputs
  const named = { bundle, source_digest, governance_digest, seals_digest, values_digest }
  return digestOf(canonicalize(named) ?? '').slice('sha256:'.length)
}

/** What of `registry.yaml` a verdict on a bundle depends on; the rest may change without a new judgement. */
export function rulesRead({ runtime, compiler, gates, policies, raise = [], budget = {} }: Registry) {
  return { runtime: runtime.version, compiler, gates, required: policies.required, raise, budget }
}

function sealsDigest(sealed: readonly SealedVersion[]): string {
  const lines = sealed.map(({ version, digest }) => `${version} ${digest}\n`)
  return digestOf(lines.sort().join(''))
}

const digestOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
