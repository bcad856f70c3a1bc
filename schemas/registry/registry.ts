import type { AliasName } from '../names.ts'

/** A weekly window in which nothing is promoted. Times are local to `timezone`; `to` may be `24:00`. */
export type Freeze = {
  days: ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[]
  /** `HH:MM` */
  from: string
  /** `HH:MM`, exclusive */
  to: string
  /** IANA name */
  timezone: string
  resume?: 'auto' | 'manual'
}

export type PromotionRule = {
  /** The alias that must already hold the digest. */
  from?: AliasName
  /** Distinct approvers needed. */
  approvals: number
  /** ISO 8601 duration that `from` must have held the digest. */
  soak?: string
  freeze?: Freeze[]
}

/** A change rule: how many owners' approvals, or the role whose approval it takes. */
export type ChangeRule = number | 'owners'

/** `registry.yaml`: the identity of a registry and the rules of promotion. */
export type Registry = {
  registry: string
  runtime: { version: string }
  compiler: number
  gates: number
  policies: { required: string[] }
  promotion: { candidate: PromotionRule; current: PromotionRule }
  /** `within`: ISO 8601 duration after which going back is a promotion, not a rollback. */
  rollback: { approvals: number; within: string }
  changes: {
    governance: ChangeRule
    keys: ChangeRule
    limits: ChangeRule
    unsuspend: ChangeRule
    unrevoke: ChangeRule
  }
  limits?: { on_store_failure: 'deny' | 'allow' }
}
