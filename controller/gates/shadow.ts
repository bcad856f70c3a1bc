import { PASS, held, promotionRule, wantedDigest, type AliasGate } from './alias-gate.ts'

/** How often Runtimes compared two bundles on a tenant's own questions. */
export type Comparisons = { agreed: number; differed: number }

/** Where no Runtime is heard, nothing was compared. */
export const nothingCompared = (): Comparisons => ({ agreed: 0, differed: 0 })

/**
 * The candidate was compared with what the alias holds as often as the rule says, and differed no more often than it
 * allows. What nobody reported counts as not compared. A tenant's first bundle has nothing to be compared with.
 */
export const shadow: AliasGate = {
  name: 'shadow',
  judge(evidence) {
    const rule = promotionRule(evidence)?.shadow
    const before = held(evidence)
    const digest = wantedDigest(evidence)
    if (rule === undefined || before === null || digest === null) return PASS
    const { agreed, differed } = evidence.comparisons(evidence.tenant, before.digest, digest)
    const said = `The rule asks for ${rule.comparisons} comparisons with ${before.version}, of which at most ${rule.differences} may differ`
    if (differed > rule.differences) {
      return { verdict: 'deny', code: 'SHADOW_DIFFERS', message: `${said}; ${differed} differed.` }
    }
    if (agreed + differed >= rule.comparisons) return PASS
    const message = `${said}; ${agreed + differed} were reported.`
    return { verdict: 'wait', code: 'SHADOW_PENDING', message, not_before: null }
  },
}
