/** Body of `POST /execute`. */
export type ExecuteRequest = {
  input: Record<string, unknown>
  intent?: string | null
  alias?: 'current' | 'candidate' | 'draft'
}

/** Why a question went where it went. Words, never n-grams; contributions add up to the score. */
export type Explanation = {
  score: number
  threshold: number
  matched: string[]
  /** Intents to ask back about, where the outcome is `fallback` because they were within `min_margin`. */
  ambiguous?: string[]
  /** Present for keys with the scope `explain`, or where the security policy says so. */
  detail?: RoutingDetail
}

export type RoutingDetail = {
  /** The intent with the largest score, which the contributions are for, also where the outcome is `fallback`. */
  best?: string
  contributions: { word: string; weight: number }[]
  unknown: string[]
  synonyms: { from: string; to: string }[]
  /** Words that were read as the word of the bundle one letter away. */
  corrections?: { from: string; to: string }[]
  runner_up: { intent: string; score: number } | null
  /** Intents within `min_margin` of each other, when that is why the outcome is `fallback`. */
  ambiguous: string[]
  nearest: string | null
}

/** Body of the answer to `POST /execute`. */
export type ExecuteResponse = {
  request_id: string
  tenant: string
  bundle: { name: string; version: string; bundle_id: string; digest: string }
  outcome: 'answered' | 'fallback'
  intent: string
  routing: Explanation | null
  output: unknown
}
