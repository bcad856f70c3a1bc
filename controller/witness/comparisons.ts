import type { AliasEvidence } from '../gates/alias-gate.ts'
import { nothingCompared, type Comparisons } from '../gates/shadow.ts'
import type { WitnessedLog, WitnessedShadow } from './judge-checkpoint.ts'

/**
 * What logs say together. A log that is reported with the key of a tenant is believed about that tenant only: the key
 * proves nothing about others.
 */
export function comparisonsIn(logs: Iterable<WitnessedLog>): AliasEvidence['comparisons'] {
  const sums = new Map<string, Comparisons>()
  for (const { reporter, shadow } of logs)
    for (const { tenant, against, digest, agreed, differed } of shadow?.counts ?? []) {
      if (reporter !== 'operator' && reporter !== `tenant:${tenant}`) continue
      const key = keyOf(tenant, against, digest)
      const sum = sums.get(key) ?? nothingCompared()
      sums.set(key, { agreed: sum.agreed + agreed, differed: sum.differed + differed })
    }
  return (tenant, against, digest) => sums.get(keyOf(tenant, against, digest)) ?? nothingCompared()
}

const keyOf = (tenant: string, against: string, digest: string): string => `${tenant} ${against} ${digest}`

/** Of two notes of one log the one over more records. */
export function newerShadow(a: WitnessedShadow | null, b: WitnessedShadow | null): WitnessedShadow | null {
  if (a === null || b === null) return a ?? b
  return a.size >= b.size ? a : b
}
