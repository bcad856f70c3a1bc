import { HAND_WRITTEN } from '../limits.ts'
import type { AliasName } from '../names.ts'
import { parseFile, type FileKind, type ParsedFile, type Report } from '../parse-file.ts'

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
  /** What Runtimes must have compared of the digest with what the alias holds, on the tenant's own questions. */
  shadow?: { comparisons: number; differences: number }
  freeze?: Freeze[]
}

/** A change rule: how many owners' approvals, or the role whose approval it takes. */
export type ChangeRule = number | 'owners'

/** What a bundle may need at most, in units that are the same on every machine. */
export type Budget = {
  /** Bytes of all files of the source. */
  source_bytes: number
  /** Utterances, negatives and questions out of scope of the ontology. */
  utterances: number
  /** Bytes of what is compiled under `sealed/`. */
  sealed_bytes: number
  /** Steps of one rendering. */
  steps: number
}

/** `registry.yaml`: the identity of a registry and the rules of promotion. */
export type Registry = {
  registry: string
  runtime: { version: string }
  compiler: number
  gates: number
  /** Gates whose warnings refuse a bundle here. */
  raise?: string[]
  /** Lower than what every registry allows. */
  budget?: Partial<Budget>
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
  /** Whether every commit on the first-parent line of `main` must be signed by somebody of `roles.yaml`. */
  main?: { signatures: 'required' }
}

type WrittenRegistry = Pick<Registry, 'registry' | 'runtime' | 'compiler' | 'raise' | 'budget' | 'limits' | 'main'> & {
  gates?: number
  policies?: Registry['policies']
  promotion?: Partial<Registry['promotion']>
  rollback?: Partial<Registry['rollback']>
  changes?: Partial<Registry['changes']>
}

/** Policies that every bundle must have, whatever a registry says. */
export const BASE_POLICIES = ['security', 'rate_limit', 'redaction'] as const

const REGISTRY: FileKind<WrittenRegistry, Registry> = {
  schema: 'registry/registry',
  format: 'yaml',
  limits: HAND_WRITTEN,
  gate: 'registry',
  code: 'FILE_INVALID',
  check: checkRegistry,
  complete: ({ registry, runtime, compiler, gates = 1, policies, promotion, rollback, changes, limits, ...gated }) => ({
    registry,
    runtime,
    compiler,
    gates,
    ...gated,
    policies: policies ?? { required: [...BASE_POLICIES] },
    promotion: {
      candidate: promotion?.candidate ?? { approvals: 0 },
      current: { from: 'candidate', ...(promotion?.current ?? { approvals: 1 }) },
    },
    rollback: { approvals: 0, within: 'P30D', ...rollback },
    changes: { governance: 'owners', keys: 0, limits: 0, unsuspend: 'owners', unrevoke: 'owners', ...changes },
    ...(limits === undefined ? {} : { limits }),
  }),
}

/** `registry.yaml`; what it leaves out is filled in as DESIGN section 2 shows it. */
export function parseRegistryFile(bytes: Uint8Array, path: string): ParsedFile<Registry> {
  return parseFile(REGISTRY, bytes, path)
}

function checkRegistry({ policies, promotion }: WrittenRegistry, report: Report): void {
  for (const kind of BASE_POLICIES) {
    if (policies === undefined || policies.required.includes(kind)) continue
    report(['policies', 'required'], `${kind} is missing`, `Add ${kind}: a registry may require more, never less.`)
  }
  for (const alias of ['candidate', 'current'] as const) {
    const rule = promotion?.[alias]
    if (rule?.from === alias) {
      report(['promotion', alias, 'from'], `${alias} cannot be taken from itself`, 'Name another alias.')
    }
    for (const [index, { from, to }] of (rule?.freeze ?? []).entries()) {
      if (from < to) continue
      const message = `the freeze ends at ${to}, which is not after ${from}`
      report(['promotion', alias, 'freeze', index, 'to'], message, 'Divide a freeze that passes midnight into two.')
    }
  }
}
