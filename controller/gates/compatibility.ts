import semver from 'semver'
import type { Compatibility } from '../../schemas/registry/manifest.ts'
import type { Gate } from './gate.ts'

/** `min_version <= target <= max_version` (ADR 0008). */
export function fitsRuntime(compatibility: Compatibility, runtime: string): boolean {
  const { min_version: min, max_version: max } = compatibility
  return semver.gte(runtime, min) && (max === undefined || semver.lte(runtime, max))
}

export const compatibility: Gate = {
  name: 'compatibility',
  since: 1,
  judge({ bundle, rules, prefix }) {
    if (bundle === null) return []
    const declared = bundle.manifest.runtime_compatibility
    const target = rules.runtime.version
    if (fitsRuntime(declared, target)) return []
    const range =
      declared.max_version === undefined
        ? `${declared.min_version} or newer`
        : `${declared.min_version} to ${declared.max_version}`
    return [
      {
        gate: 'compatibility',
        code: 'INCOMPATIBLE_RUNTIME',
        severity: 'error',
        path: `${prefix}manifest.yaml`,
        ...bundle.at('manifest.yaml', ['runtime_compatibility']),
        message: `The bundle needs a Runtime ${range}; registry.yaml says that ${target} is in production.`,
        hint: 'Upgrade the Runtime first and then registry.yaml, or declare the range that was tested.',
      },
    ]
  },
}
