import { fitsRuntime, formatRange } from '../../runtime/bundle/compatibility.ts'
import type { Gate } from './gate.ts'

/** The bundle fits the Runtime that the registry says is in production. */
export const compatibility: Gate = {
  name: 'compatibility',
  since: 1,
  judge({ bundle, rules, prefix }) {
    if (bundle === null) return []
    const declared = bundle.manifest.runtime_compatibility
    const target = rules.runtime.version
    if (fitsRuntime(declared, target)) return []
    return [
      {
        gate: 'compatibility',
        code: 'INCOMPATIBLE_RUNTIME',
        severity: 'error',
        path: `${prefix}manifest.yaml`,
        ...bundle.at('manifest.yaml', ['runtime_compatibility']),
        message: `The bundle needs a Runtime ${formatRange(declared)}; registry.yaml says that ${target} is in production.`,
        hint: 'Upgrade the Runtime first and then registry.yaml, or declare the range that was tested.',
      },
    ]
  },
}
