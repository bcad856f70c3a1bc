import type { AllowedSigner } from '../../runtime/trust/allowed-signers.ts'
import type { ApprovalSet } from '../../runtime/trust/approval-set.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { AliasName } from '../../schemas/names.ts'
import type { Alias } from '../../schemas/registry/alias.ts'
import type { Revocation, Roles } from '../../schemas/registry/governance.ts'
import type { Compatibility } from '../../schemas/registry/manifest.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import type { ApiKey, Tenant, Values } from '../../schemas/registry/tenant.ts'

/** What a file of `main` says, or why it cannot be read. A malformed file is a finding, never an absence. */
export type Parsed<T> = { value: T } | { findings: readonly Finding[] }

/** An armoured signature file, of one change or of a set; that it verifies is judged later, against the change. */
export type SignatureFile = { principal: string; signature: string; set?: ApprovalSet }

/** What `main` wants of one tenant. */
export type WantedTenant = {
  name: string
  settings: Parsed<Tenant>
  keys: Parsed<ApiKey[]>
  values: Parsed<Values>
  aliases: Partial<Record<AliasName, Parsed<Alias>>>
  /** Signature files by `<alias>/<digest12>`, or `tenant/<digest12>` for a change of the tenant itself. */
  approvals: ReadonlyMap<string, readonly SignatureFile[]>
}

/** A tenant's folder that cannot be read at all; the tenant stays as it is. */
export type UnreadableTenant = { name: string; findings: readonly Finding[] }

/** What `main` wants of `registry.yaml` and `governance/`. */
export type WantedGovernance = {
  /** Text of every file that is governance, by its path on `main`. */
  texts: ReadonlyMap<string, string>
  /** See `GovernanceInForce`. */
  digest: string
  registry: Parsed<Registry>
  signers: Parsed<AllowedSigner[]>
  roles: Parsed<Roles>
  revoked: Parsed<Revocation[]>
  /** Files of `governance/policies/` that cannot be read. */
  policies: readonly Finding[]
  /** Signature files under `governance/approvals/`, by the 12 digits that their names begin with. */
  approvals: ReadonlyMap<string, readonly SignatureFile[]>
}

/** What a bundle's folder holds, and what its gates found so far. */
export type WantedBundle =
  | { kind: 'unreadable'; findings: readonly Finding[] }
  /** Its source is that of an existing seal. */
  | { kind: 'sealed' }
  | { kind: 'pending'; version: string | null }
  | { kind: 'refused'; version: string; reason: Refusal; report: string }
  | { kind: 'passed'; seal: PreparedSeal; authors: string[]; tag: 'free' | 'ours' | 'conflict' }

/** The first thing that a report says is wrong, and how many there are. */
export type Refusal = { finding: Finding; more: number }

/** A seal whose objects stand in the repository under no ref yet. */
export type PreparedSeal = {
  bundle: string
  version: string
  bundle_id: string
  digest: string
  source_digest: string
  compatibility: Compatibility
  created_by: string
  /** Oid of the seal commit. */
  seal: string
  tag_object: string
  /** Digest of the gate report. */
  report: string
}

/** Everything that `main` wants, at its tip. */
export type Wanted = {
  /** Null where the folder itself cannot be read. */
  governance: WantedGovernance | null
  /** Null where the folder itself cannot be read. */
  tenants: ReadonlyMap<string, WantedTenant | UnreadableTenant> | null
  bundles: ReadonlyMap<string, WantedBundle>
  /** What cannot be read and belongs to no single tenant, bundle or governance file. */
  unreadable: readonly { subject: string; findings: readonly Finding[] }[]
}

export const isReadable = <T>(parsed: Parsed<T>): parsed is { value: T } => 'value' in parsed

export const findingsOf = (parsed: Parsed<unknown>): readonly Finding[] => ('value' in parsed ? [] : parsed.findings)
