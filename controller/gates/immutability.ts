import type { Gate } from './gate.ts'

/** New content needs a new version; content equal to a seal always passes, so that a revert of a bundle change passes. */
export const immutability: Gate = {
  name: 'immutability',
  since: 1,
  judge({ bundle, sealed, sourceDigest, prefix }) {
    if (bundle === null || sealed.some((seal) => seal.source_digest === sourceDigest)) return []
    const same = sealed.find((seal) => seal.version === bundle.version)
    if (same === undefined) return []
    return [
      {
        gate: 'immutability',
        code: 'VERSION_NOT_BUMPED',
        severity: 'error',
        path: `${prefix}manifest.yaml`,
        ...bundle.at('manifest.yaml', ['bundle_version']),
        message: `Version ${bundle.version} is sealed with other content (${same.digest}).`,
        hint: 'Raise bundle_version: a sealed version never changes.',
      },
    ]
  },
}
