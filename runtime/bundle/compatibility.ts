import semver from 'semver'
import type { Compatibility } from '../../schemas/registry/manifest.ts'

/** `min_version <= runtime <= max_version` (ADR 0008). */
export function fitsRuntime({ min_version: min, max_version: max }: Compatibility, runtime: string): boolean {
  return semver.gte(runtime, min) && (max === undefined || semver.lte(runtime, max))
}

/** `1.0.0 or newer`, `1.0.0 to 1.9.0` */
export function formatRange({ min_version: min, max_version: max }: Compatibility): string {
  return max === undefined ? `${min} or newer` : `${min} to ${max}`
}
