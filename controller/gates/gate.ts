import type { ParsedBundle } from '../../runtime/bundle/parse.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { Coverage } from '../../runtime/engine/coverage.ts'
import type { SuiteResult } from '../../runtime/engine/suites.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Fault } from '../../schemas/fault.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import type { ReportInputs } from './report-inputs.ts'
import type { FoundSecret } from './secret-scan.ts'

/** A version of the bundle that is sealed already. */
export type SealedVersion = { version: string; source_digest: string; digest: string }

/** What a bundle needs, in the units of `Budget`. */
export type Needs = {
  source_bytes: number
  utterances: number
  sealed_bytes: number
  /** Of the dearest rendering among one for each intent with a template, and that intent; null where there is none. */
  steps: { intent: string; steps: number } | null
}

/** Everything that the gates of a bundle may look at, gathered once; a gate runs nothing and reads nothing itself. */
export type Evidence = {
  /** Name of the folder under `bundles/`. */
  name: string
  /** `bundles/<name>/`, in front of the paths of findings. */
  prefix: string
  rules: Registry
  inputs: ReportInputs
  files: BundleFiles
  /** Findings of reading and parsing, each under the gate that judges them. */
  shape: readonly Finding[]
  /** Null where the shape is too broken to go on. */
  bundle: ParsedBundle | null
  templates: readonly Finding[]
  entities: readonly Finding[]
  /** Null where it was not tried because of the findings above. */
  compiled: { digest: string; bundleId: string } | null
  /** Why compiling or loading failed, where it did. */
  compileFault: Fault | null
  /** The findings of that fault, each under the gate that judges it. */
  compileFindings: readonly Finding[]
  secrets: readonly FoundSecret[]
  /** Results of the suites in the order written; empty where the bundle did not load. */
  suites: readonly SuiteResult[]
  /** The same cases backwards; null where they run in another process, whose results are judged later. */
  suitesReversed: readonly SuiteResult[] | null
  /** What no case touches; null where the bundle did not load. */
  untouched: Coverage | null
  /** Null where the bundle did not load. */
  needs: Needs | null
  sealed: readonly SealedVersion[]
  /** The greatest sealed version below this one. */
  previous: ParsedBundle | null
}

/** A named, pure judgement over evidence. It passes where it finds no error. */
export type Gate = {
  name: string
  /**
   * Version of the catalogue in which it denies; one version earlier it warns, and before that it does not run. A gate that
   * comes with a new version N therefore says N + 1: what registries pinned until then is judged as it was.
   */
  since: number
  judge(evidence: Evidence): Finding[]
}

/** The findings of parsing that belong to a gate. */
export function shapeOf(evidence: Evidence, gate: string): Finding[] {
  return evidence.shape.filter((finding) => finding.gate === gate)
}
