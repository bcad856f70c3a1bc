import type { AliasState, StackLevel } from '../../schemas/ledger/state.ts'

/** Levels kept at most; the oldest are forgotten, and going back to them is a promotion. */
const MAX_LEVELS = 32

export type NewLevel = Pick<StackLevel, 'bundle' | 'version' | 'digest' | 'seq'>

/** A promotion pushes: what the alias holds stops being it now. */
export function pushed(held: AliasState | null, level: NewLevel, now: string): StackLevel[] {
  const below = (held?.stack ?? []).map((known) => (known.until === null ? { ...known, until: now } : known))
  const { bundle, version, digest, seq } = level
  return [...below, { bundle, version, digest, seq, until: null }].slice(-MAX_LEVELS)
}

/** A rollback pops: the newest level below the top that held the digest is the top again, and all above it is gone. */
export function popped(held: AliasState, digest: string): StackLevel[] {
  const at = held.stack.findLastIndex((level) => level.until !== null && level.digest === digest)
  return held.stack.slice(0, at + 1).map((level, index) => (index === at ? { ...level, until: null } : level))
}
