/** Names of tenants, bundles and principals (DESIGN section 2). */
export const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
/**
 * SemVer 2.0.0 without build metadata, as DESIGN section 2 allows for bundle versions. One that ends in `.lock` can be
 * no tag (git-check-ref-format).
 */
export const VERSION =
  /^(?!.*\.lock$)(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})(?:-[0-9A-Za-z-]{1,32}(?:\.[0-9A-Za-z-]{1,32}){0,3})?$/
/** A bundle's digest: `sha256:` and 64 lower-case hex digits. */
export const DIGEST = /^sha256:[0-9a-f]{64}$/
/** The first 12 hex digits of a digest: its short name for people, and in the names of approvals. */
export const digest12 = (digest: string): string => digest.slice('sha256:'.length, 'sha256:'.length + 12)
/** A Git object id (SHA-1). */
export const OID = /^[0-9a-f]{40}$/
/** One segment of a path inside a bundle. */
export const PATH_SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
/** A request id that is echoed; any other is replaced. */
export const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/

/** Words that subjects of decisions begin with: a tenant of such a name would have the subjects of something else. */
const NOT_FOR_TENANTS: readonly string[] = ['bundles', 'governance', 'main', 'tenants']

export const isTenantName = (name: string): boolean => NAME.test(name) && !NOT_FOR_TENANTS.includes(name)

export const ALIASES = ['draft', 'candidate', 'current'] as const
export type AliasName = (typeof ALIASES)[number]
