/** Below this stand the signed tags of all sealed bundles. */
export const BUNDLE_TAGS = 'refs/tags/bundles/'

export const tagNameOf = (bundle: string, version: string): string => `bundles/${bundle}/${version}`
export const tagRefOf = (bundle: string, version: string): string => `refs/tags/${tagNameOf(bundle, version)}`
