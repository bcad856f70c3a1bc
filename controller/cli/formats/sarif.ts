import { createHash } from 'node:crypto'
import type { Finding } from '../../../schemas/finding.ts'
import { PACKAGE_VERSION } from '../../../schemas/package-root.ts'
import { REASONS, type Reason } from '../../../schemas/reasons.ts'
import type { CheckResult } from '../judge/check-result.ts'

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

/** SARIF 2.1.0: what code hosts put beside the lines of a pull request. */
export function formatSarif({ findings }: CheckResult): string {
  const codes = [...new Set(findings.map(({ code }) => code))].sort()
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'contractor', semanticVersion: PACKAGE_VERSION, rules: codes.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, codes.indexOf(finding.code))),
      },
    ],
  }
  return `${JSON.stringify(log, null, 2)}\n`
}

function ruleOf(code: Reason) {
  const { title, hint } = REASONS[code]
  return { id: code, shortDescription: { text: title }, help: { text: hint } }
}

function resultOf({ gate, code, severity, path, line, column, message, hint }: Finding, ruleIndex: number) {
  const location = {
    artifactLocation: { uri: encodeURI(path), uriBaseId: '%SRCROOT%' },
    region: { startLine: line, startColumn: column },
  }
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: `${message} ${hint}` },
    locations: [{ physicalLocation: location }],
    partialFingerprints: { 'contractorFinding/v1': fingerprint([gate, code, path, message]) },
    properties: { gate },
  }
}

/** Stays the same while lines move. */
function fingerprint(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
