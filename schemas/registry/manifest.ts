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
