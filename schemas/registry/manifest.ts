import semver from 'semver'
import { HAND_WRITTEN } from '../limits.ts'
import { parseFile, type FileKind, type ParsedFile, type Report } from '../parse-file.ts'

export type Compatibility = { min_version: string; max_version?: string; tested_versions?: string[] }

/** `manifest.yaml` of a bundle. `bundle_id` stands in the sealed manifest only. */
export type Manifest = {
  bundle_name: string
  bundle_version: string
  bundle_id?: string
  /** RFC 3339 */
  created_at: string
  /** A principal of `governance/roles.yaml`. */
  created_by: string
  description: string
  runtime_compatibility: Compatibility
}

/** `metadata/bundle.yaml`; never affects execution. */
export type BundleMetadata = { owner: string; tags?: string[]; environment?: string; notes?: string }

const MANIFEST: FileKind<Manifest> = {
  schema: 'registry/manifest',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'manifest',
  code: 'MANIFEST_INVALID',
  complete: (written) => written,
}

/** `manifest.yaml`. In a `source` there is no bundle_id, which is the controller's to write; in what is `sealed` there is. */
export function parseManifest(bytes: Uint8Array, path: string, form: 'source' | 'sealed'): ParsedFile<Manifest> {
  const check = (written: Manifest, report: Report) => {
    checkCompatibility(written.runtime_compatibility, report)
    if (form === 'source' && written.bundle_id !== undefined) {
      report(['bundle_id'], 'bundle_id is written by the controller', 'Remove the line.', 'key')
    }
    if (form === 'sealed' && written.bundle_id === undefined) {
      report([], 'expected the key "bundle_id", found none', 'Seal the bundle.')
    }
  }
  return parseFile({ ...MANIFEST, check }, bytes, path)
}

function checkCompatibility({ min_version, max_version }: Compatibility, report: Report): void {
  if (max_version === undefined || !semver.gt(min_version, max_version)) return
  const message = `max_version ${max_version} is below min_version ${min_version}`
  report(['runtime_compatibility', 'max_version'], message, 'Raise max_version, or leave it out.')
}

const METADATA: FileKind<BundleMetadata> = {
  schema: 'registry/metadata',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'layout',
  code: 'LAYOUT_INVALID',
  complete: (written) => written,
}

/** `metadata/bundle.yaml` */
export function parseBundleMetadata(bytes: Uint8Array, path: string): ParsedFile<BundleMetadata> {
  return parseFile(METADATA, bytes, path)
}
