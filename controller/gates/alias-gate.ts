import type { AllowedSigner } from '../../runtime/trust/allowed-signers.ts'
import type { ApprovalFound } from '../../runtime/trust/approvals.ts'
import type { AliasName } from '../../schemas/names.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Approval, AliasState, SealRecord, TenantState } from '../../schemas/ledger/state.ts'
import type { Alias } from '../../schemas/registry/alias.ts'
import type { Revocation, Roles } from '../../schemas/registry/governance.ts'
import type { Comparisons } from './shadow.ts'
import type { ValuesProblem } from './values.ts'
import type { PromotionRule, Registry } from '../../schemas/registry/registry.ts'

/** Everything that the gates of an alias change may look at. Authority (rules, signers, roles) is what is in force. */
export type AliasEvidence = {
  registry: string
  tenant: string
  alias: AliasName
  rules: Registry
  signers: readonly AllowedSigner[]
  roles: Roles
  revoked: readonly Revocation[]
  /** The tenant as what comes before in the same commit leaves it; null for a new tenant. */
  state: TenantState | null
  wanted: Alias
  /** Of the wanted version, on `live` or sealed in this very commit. */
  seal: SealRecord | null
  /** Where there is no seal: are its gates still to run, did they refuse it, or is there no such source? */
  sealVerdict: 'pending' | 'refused' | 'none'
  /** Files under `approvals/<alias>/` for the wanted digest. */
  approvals: readonly ApprovalFound[]
  /** What Runtimes reported of a tenant's bundles: the digest that answered, and the candidate's. */
  comparisons: (tenant: string, against: string, digest: string) => Comparisons
  /** What is wrong with the tenant's values in the wanted bundle; null while they are judged. */
  values: readonly ValuesProblem[] | null
  /** Seq of the entry being written. */
  seq: number
  now: Date
}

/** What one gate found. `wait` ends by itself at `not_before`, or by an owner's act where that is null. */
export type AliasFinding =
  | { verdict: 'pass'; approvals?: Approval[] }
  | { verdict: 'deny'; code: Reason; message: string }
  | { verdict: 'wait'; code: Reason; message: string; not_before: string | null }

export type AliasGate = { name: string; judge(evidence: AliasEvidence): AliasFinding }

export const PASS: AliasFinding = { verdict: 'pass' }

export function held({ state, alias }: Pick<AliasEvidence, 'state' | 'alias'>): AliasState | null {
  return state?.aliases[alias] ?? null
}

/** The digest that the alias would hold. */
export function wantedDigest({ wanted, seal }: Pick<AliasEvidence, 'wanted' | 'seal'>): string | null {
  return wanted.digest ?? seal?.digest ?? null
}

/** Draft has no rule: it is never executed for a tenant. */
export function promotionRule({ rules, alias }: AliasEvidence): PromotionRule | null {
  return alias === 'draft' ? null : rules.promotion[alias]
}
