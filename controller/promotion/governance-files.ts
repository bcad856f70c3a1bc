export { governanceDigest } from '../../runtime/trust/governance-digest.ts'

/** The files that are governance, besides `governance/policies/<kind>.yaml`; by their path on `main`. */
export const REGISTRY_FILE = 'registry.yaml'
export const SIGNERS_FILE = 'governance/allowed_signers'
export const ROLES_FILE = 'governance/roles.yaml'
export const REVOKED_FILE = 'governance/revoked.yaml'
export const FLOOR_POLICY = /^governance\/policies\/[^/]+\.ya?ml$/

const REQUIRED = [REGISTRY_FILE, SIGNERS_FILE, ROLES_FILE]

export const isGovernanceFile = (path: string): boolean =>
  REQUIRED.includes(path) || path === REVOKED_FILE || FLOOR_POLICY.test(path)

export const isRequiredFile = (path: string): boolean => REQUIRED.includes(path)

/** Where a governance file of `main` stands on `live`; `registry.yaml` is kept there word for word, so that its digest can be checked. */
export const livePath = (path: string): string => (path === REGISTRY_FILE ? 'governance/registry.yaml' : path)

const mainPath = (path: string): string => (path === 'governance/registry.yaml' ? REGISTRY_FILE : path)

/** Governance in force, by the paths of `main`. */
export function governanceInForce(live: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...live].map(([path, text]) => [mainPath(path), text]))
}
