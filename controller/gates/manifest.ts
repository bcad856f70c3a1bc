import type { Finding } from '../../schemas/finding.ts'
import type { Gate } from './gate.ts'
import { shapeOf } from './gate.ts'

/** The manifest has its shape and names the folder that it stands in. */
export const manifest: Gate = {
  name: 'manifest',
  since: 1,
  judge(evidence) {
    const findings: Finding[] = shapeOf(evidence, 'manifest')
    const { bundle, name, prefix } = evidence
    if (bundle === null || bundle.name === name) return findings
    return [
      ...findings,
      {
        gate: 'manifest',
        code: 'MANIFEST_INVALID',
        severity: 'error',
        path: `${prefix}manifest.yaml`,
        ...bundle.at('manifest.yaml', ['bundle_name']),
        message: `bundle_name is "${bundle.name}", and the folder is "${name}".`,
        hint: `Write bundle_name: ${name}, or rename the folder.`,
      },
    ]
  },
}
