import { rollbackLevel } from '../../runtime/trust/alias-stack.ts'
import type { StackLevel } from '../../schemas/ledger/state.ts'
import { held, wantedDigest, type AliasEvidence } from './alias-gate.ts'

/** What `rollbackLevel` needs of the evidence. */
export type RollbackEvidence = Pick<AliasEvidence, 'rules' | 'alias' | 'state' | 'wanted' | 'seal' | 'now'>

/** The level of the alias's stack to which the change goes back; null when it is a promotion. */
export function wantedLevel(evidence: RollbackEvidence): StackLevel | null {
  const digest = wantedDigest(evidence)
  const stack = held(evidence)?.stack ?? []
  return digest === null ? null : rollbackLevel(stack, digest, evidence.now, evidence.rules.rollback.within)
}
