import { RE2JS } from 're2js'
import { HAND_WRITTEN } from '../limits.ts'
import { parseFile, type FileKind, type ParsedFile, type Report } from '../parse-file.ts'

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
export type RateLimitPolicy = {
  execute: {
    per_minute: number
    per_user_per_minute?: number
    per_day?: number
    per_month?: number
    per_user_per_day?: number
    per_user_per_month?: number
  }
}

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

type WrittenSecurity = Omit<SecurityPolicy, 'allowed_aliases'> & Partial<Pick<SecurityPolicy, 'allowed_aliases'>>

const POLICY = { format: 'yaml', limits: HAND_WRITTEN, gate: 'policies', code: 'POLICY_INVALID' } as const
const asWritten = <Policy>(written: Policy): Policy => written

const POLICIES: { [Kind in PolicyKind]: FileKind<never, Required<Policies>[Kind]> } = {
  security: {
    ...POLICY,
    schema: 'registry/security',
    complete: (written: WrittenSecurity) => ({
      ...written,
      allowed_aliases: written.allowed_aliases ?? ['current', 'candidate'],
    }),
  },
  rate_limit: { ...POLICY, schema: 'registry/rate_limit', complete: asWritten },
  redaction: { ...POLICY, schema: 'registry/redaction', check: checkPatterns, complete: asWritten },
  cache: { ...POLICY, schema: 'registry/cache', complete: asWritten },
  rag: { ...POLICY, schema: 'registry/rag', complete: asWritten },
  llm: { ...POLICY, schema: 'registry/llm', complete: asWritten },
}

/** `policies/<kind>.yaml` of a bundle. */
export function parsePolicy<Kind extends PolicyKind>(
  kind: Kind,
  bytes: Uint8Array,
  path: string,
): ParsedFile<Required<Policies>[Kind]> {
  return parseFile<never, Required<Policies>[Kind]>(POLICIES[kind], bytes, path)
}

export function checkPatterns({ rules }: RedactionPolicy, report: Report): void {
  const names = new Set<string>()
  for (const [index, { name, pattern }] of rules.entries()) {
    if (names.has(name)) report(['rules', index, 'name'], `the rule ${name} stands twice`, 'Rename one of the two.')
    names.add(name)
    const problem = patternProblem(pattern)
    if (problem !== null) report(['rules', index, 'pattern'], problem, 'RE2 has no look-around and no back-references.')
  }
}

function patternProblem(pattern: string): string | null {
  try {
    return RE2JS.compile(pattern).matcher('').find()
      ? 'the pattern matches nothing at all, so it would match everywhere'
      : null
  } catch (error) {
    return `expected an RE2 pattern: ${error instanceof Error ? error.message : String(error)}`
  }
}
