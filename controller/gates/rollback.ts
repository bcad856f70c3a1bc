import { parseDuration } from '../../schemas/duration.ts'
import { held, wantedDigest, type AliasEvidence } from './alias-gate.ts'

/**
 * A change back to a digest below the top of the alias's stack, which it stopped holding within `rollback.within`.
 * Anything else is a promotion, a revert of a revert too.
 */
export function isRollback(
  evidence: Pick<AliasEvidence, 'rules' | 'alias' | 'state' | 'wanted' | 'seal' | 'now'>,
): boolean {
  const digest = wantedDigest(evidence)
  const level = held(evidence)?.stack.findLast((below) => below.until !== null && below.digest === digest)
  if (level === undefined || level.until === null) return false
  return evidence.now.getTime() - Date.parse(level.until) <= parseDuration(evidence.rules.rollback.within)
}
