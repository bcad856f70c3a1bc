import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import { BUNDLE_GATES } from './catalog.ts'
import type { Evidence, Gate, SealedVersion } from './gate.ts'
import type { GateReport } from './report.ts'

/** What a judgement of one bundle source starts from. */
export type GateRequest = {
  /** The source, without `sealed/`. */
  files: BundleFiles
  /** Name of the folder under `bundles/`. */
  name: string
  rules: Registry
  sealed: readonly SealedVersion[]
  /** Sealed files of the greatest sealed version below this one. */
  previous: BundleFiles | null
  /** The router that this very ontology was compiled to before, by the same compiler. */
  router?: Buffer
}

/** `sealed` holds the sealed files where the bundle compiled, whatever the verdict. */
export type GateOutcome = { report: GateReport; sealed: BundleFiles | null }

/** Judges evidence by every gate of the catalogue that `rules.gates` pins; a gate of the next version warns. Pure. */
export function judgeEvidence(evidence: Evidence, catalogue: readonly Gate[] = BUNDLE_GATES): GateReport {
  const { rules, bundle, compiled, inputs } = evidence
  const judged = catalogue
    .filter((gate) => gate.since <= rules.gates + 1)
    .map((gate) => {
      const found = gate.judge(evidence)
      const findings = [...found, ...compileFindings(evidence, gate.name, found)]
      if (gate.since > rules.gates) return { gate: gate.name, findings: findings.map(asWarning) }
      return { gate: gate.name, findings: rules.raise?.includes(gate.name) === true ? findings.map(asError) : findings }
    })
  const findings = judged.flatMap((gate) => gate.findings)
  return {
    ...inputs,
    version: bundle?.version ?? '',
    bundle_id: compiled?.bundleId ?? null,
    digest: compiled?.digest ?? null,
    verdict: compiled !== null && worst(findings) !== 'fail' ? 'pass' : 'fail',
    ran: judged.map((gate) => ({ gate: gate.gate, verdict: worst(gate.findings) })),
    findings,
    suites: [...evidence.suites],
  }
}

/** What compiling found for a gate, where the gate itself found nothing at that place. */
function compileFindings(evidence: Evidence, gate: string, found: readonly Finding[]): Finding[] {
  const placeOf = ({ code, path, line, column }: Finding) => `${code} ${path}:${line}:${column}`
  const places = new Set(found.map(placeOf))
  return evidence.compileFindings.filter((one) => one.gate === gate && !places.has(placeOf(one)))
}

function asWarning(finding: Finding): Finding {
  return finding.severity === 'error' ? { ...finding, severity: 'warning' } : finding
}

/** A registry may be stricter than the catalogue, and never milder. A note stays a note. */
function asError(finding: Finding): Finding {
  return finding.severity === 'warning' ? { ...finding, severity: 'error' } : finding
}

function worst(findings: readonly Finding[]): 'pass' | 'fail' | 'warn' {
  if (findings.some((finding) => finding.severity === 'error')) return 'fail'
  return findings.some((finding) => finding.severity === 'warning') ? 'warn' : 'pass'
}
