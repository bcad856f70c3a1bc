import { parseDuration } from '../../schemas/duration.ts'
import type { BundleRef } from '../../schemas/ledger/entry.ts'
import type { StackLevel } from '../../schemas/ledger/state.ts'

/**
 * The level of the stack to which a change to `digest` would go back: it lies below the top and was left within
 * `within` (ISO 8601 duration); null when the change is a promotion, as a revert of a revert is.
 */
export function rollbackLevel(
  stack: readonly StackLevel[],
  digest: string,
  at: Date,
  within: string,
): StackLevel | null {
  const level = stack.findLast((below) => below.until !== null && below.digest === digest)
  if (level === undefined || level.until === null) return null
  return at.getTime() - Date.parse(level.until) <= parseDuration(within) ? level : null
}

/** A promotion pushes: what the alias holds stops being it at `since` (RFC 3339). */
export function pushed(stack: readonly StackLevel[], { ref, seq, since }: NewLevel): StackLevel[] {
  const { bundle, version, digest } = ref
  const below = stack.map((level) => (level.until === null ? { ...level, until: since } : level))
  return [...below, { bundle, version, digest, seq, until: null }]
}

export type NewLevel = { ref: BundleRef; seq: number; since: string }

/** A rollback pops: the level is the top again, and all above it is gone. */
export function popped(stack: readonly StackLevel[], level: StackLevel): StackLevel[] {
  return [...stack.slice(0, stack.lastIndexOf(level)), { ...level, until: null }]
}
