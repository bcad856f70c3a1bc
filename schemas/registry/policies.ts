export const POLICY_KINDS = ['security', 'rate_limit', 'redaction', 'cache', 'rag', 'llm'] as const
export type PolicyKind = (typeof POLICY_KINDS)[number]

/** `policies/security.yaml` */
export type SecurityPolicy = {
  /** Intents that may answer; `["*"]` for all of the ontology. */
  allowed_intents: string[]
  /** BCP 47 tags; the optional `locale` of the input must be one of them. */
  allowed_locales?: string[]
  /** Characters of the question, at most. */
  max_input_chars: number
  /** Aliases that may be executed. */
  allowed_aliases: ('current' | 'candidate')[]
  /** Show the routing explanation to keys without the scope `explain`. */
  explain?: boolean
}

/** `policies/rate_limit.yaml` */
export type RateLimitPolicy = { execute: { per_minute: number; per_user_per_minute?: number } }

/** `policies/redaction.yaml`: RE2 patterns, replaced in output, logs and audit. */
export type RedactionPolicy = { rules: { name: string; pattern: string; replacement: string }[] }

/** `policies/cache.yaml` */
export type CachePolicy = { enabled: boolean; ttl_s: number; max_entries: number }

/** `policies/rag.yaml` */
export type RagPolicy = { enabled: boolean; max_passages: number; min_score: number }

/** `policies/llm.yaml`: read and checked by a later capability; refused while this Runtime cannot enforce it. */
export type LlmPolicy = { enabled: boolean }

export type Policies = {
  security?: SecurityPolicy
  rate_limit?: RateLimitPolicy
  redaction?: RedactionPolicy
  cache?: CachePolicy
  rag?: RagPolicy
  llm?: LlmPolicy
}
