import { Fault } from '../../schemas/fault.ts'
import type { Floor, Floors } from '../../schemas/registry/floor.ts'
import type {
  CachePolicy,
  Policies,
  PolicyKind,
  RagPolicy,
  RateLimitPolicy,
  RedactionPolicy,
  SecurityPolicy,
} from '../../schemas/registry/policies.ts'

/** The kinds that every bundle must bring. */
export const REQUIRED_KINDS = ['security', 'rate_limit', 'redaction'] as const

/** Policies in force: what is required is there. */
export type EffectivePolicies = Policies & {
  security: SecurityPolicy
  rate_limit: RateLimitPolicy
  redaction: RedactionPolicy
}

/** Rules of the organisation, as `governance/policies/` writes them; a rule that is left out says nothing. */
export type FloorPolicies = { [Kind in PolicyKind]?: Floor<Kind>['rules'] }

/** The floors that hold for a tenant: those of whose labels it has all. */
export function floorFor(floors: Floors, labels: Readonly<Record<string, string>>): FloorPolicies {
  const holding = Object.entries(floors).filter(([, floor]) =>
    Object.entries(floor.tenants).every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value),
  )
  return Object.fromEntries(holding.map(([kind, { rules }]) => [kind, rules]))
}

/**
 * A bundle's policies under the organisation's floor: of every rule the strictest wins, and redaction rules add up.
 * A floor never loosens and never adds: a cache or retrieval that the bundle does not declare stays off.
 * @throws Fault `POLICY_MISSING` when the bundle lacks a required kind, whatever the floor brings.
 */
export function effectivePolicies(bundle: Policies, floor: readonly FloorPolicies[]): EffectivePolicies {
  const { security, rate_limit, redaction, cache, rag, llm } = bundle
  if (security === undefined || rate_limit === undefined || redaction === undefined) {
    const missing = REQUIRED_KINDS.filter((kind) => bundle[kind] === undefined).join(', ')
    throw new Fault('POLICY_MISSING', `The bundle lacks the required policies: ${missing}. Add policies/<kind>.yaml.`)
  }
  const of = <Kind extends PolicyKind>(kind: Kind) =>
    floor.map((policies) => policies[kind]).filter((rules) => rules !== undefined)
  return {
    security: of('security').reduce(stricterSecurity, security),
    rate_limit: of('rate_limit').reduce(stricterRateLimit, rate_limit),
    redaction: of('redaction').reduce(stricterRedaction, redaction),
    ...(cache && { cache: of('cache').reduce(stricterCache, cache) }),
    ...(rag && { rag: of('rag').reduce(stricterRag, rag) }),
    ...(llm && { llm: of('llm').reduce((a, b) => ({ ...a, enabled: a.enabled && b.enabled }), llm) }),
  }
}

function stricterSecurity(a: SecurityPolicy, b: Partial<SecurityPolicy>): SecurityPolicy {
  const locales = bothLists(a.allowed_locales, b.allowed_locales)
  const { allowed_intents = ['*'], max_input_chars = Infinity, allowed_aliases = a.allowed_aliases, explain = true } = b
  return {
    allowed_intents: bothIntents(a.allowed_intents, allowed_intents),
    ...(locales && { allowed_locales: locales }),
    max_input_chars: Math.min(a.max_input_chars, max_input_chars),
    allowed_aliases: a.allowed_aliases.filter((alias) => allowed_aliases.includes(alias)),
    explain: a.explain === true && explain,
  }
}

/** `*` stands for all intents. */
function bothIntents(a: readonly string[], b: readonly string[]): string[] {
  if (a.includes('*')) return [...b]
  if (b.includes('*')) return [...a]
  return a.filter((intent) => b.includes(intent))
}

/** A list that is left out allows everything. Language tags are compared without case. */
function bothLists(a: readonly string[] | undefined, b: readonly string[] | undefined): string[] | null {
  if (a === undefined || b === undefined) {
    const only = a ?? b
    return only === undefined ? null : [...only]
  }
  const known = new Set(b.map((tag) => tag.toLowerCase()))
  return a.filter((tag) => known.has(tag.toLowerCase()))
}

function stricterRateLimit({ execute: a }: RateLimitPolicy, { execute: b }: RateLimitPolicy): RateLimitPolicy {
  const least = (name: keyof typeof a) => {
    const found = lower(a[name], b[name])
    return found === undefined ? {} : { [name]: found }
  }
  return {
    execute: {
      per_minute: Math.min(a.per_minute, b.per_minute),
      ...least('per_user_per_minute'),
      ...least('per_day'),
      ...least('per_month'),
      ...least('per_user_per_day'),
      ...least('per_user_per_month'),
    },
  }
}

function lower(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
}

function stricterRedaction(a: RedactionPolicy, b: RedactionPolicy): RedactionPolicy {
  const known = new Set(a.rules.map(({ pattern }) => pattern))
  return { rules: [...a.rules, ...b.rules.filter(({ pattern }) => !known.has(pattern))] }
}

function stricterCache(a: CachePolicy, b: Partial<CachePolicy>): CachePolicy {
  return {
    enabled: a.enabled && b.enabled !== false,
    ttl_s: Math.min(a.ttl_s, b.ttl_s ?? Infinity),
    max_entries: Math.min(a.max_entries, b.max_entries ?? Infinity),
  }
}

function stricterRag(a: RagPolicy, b: Partial<RagPolicy>): RagPolicy {
  return {
    enabled: a.enabled && b.enabled !== false,
    max_passages: Math.min(a.max_passages, b.max_passages ?? Infinity),
    min_score: Math.max(a.min_score, b.min_score ?? 0),
  }
}
