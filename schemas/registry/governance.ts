import type { AliasName } from '../names.ts'

export type Principal = { id: string; name: string; emails: string[] }

/** What its members may approve; `tenants` and `aliases` of `*` mean all. */
export type Role = {
  name: string
  members: string[]
  approve: { aliases: (AliasName | '*')[]; tenants: string[] }
  /** Members may approve changes of governance. */
  owner?: boolean
}

/** `governance/roles.yaml` */
export type Roles = { principals: Principal[]; roles: Role[] }

/** `governance/revoked.yaml`: digests that must never be served again. */
export type Revocation = { digest: string; reason: string; at: string }
export type Revoked = { revoked: Revocation[] }
