import { parseDuration } from '../../schemas/duration.ts'
import { PASS, promotionRule, wantedDigest, type AliasGate } from './alias-gate.ts'

/** The alias that it comes from has held the digest for the time of the rule. */
export const soak: AliasGate = {
  name: 'soak',
  judge(evidence) {
    const rule = promotionRule(evidence)
    const from = rule?.from === undefined ? undefined : evidence.state?.aliases[rule.from]
    if (rule?.soak === undefined || from === undefined || from.digest !== wantedDigest(evidence)) return PASS
    const ends = Date.parse(from.since) + parseDuration(rule.soak)
    if (evidence.now.getTime() >= ends) return PASS
    const until = new Date(ends).toISOString()
    return {
      verdict: 'wait',
      code: 'SOAKING',
      message: `${from.version} must be ${rule.from} for ${rule.soak}; that is until ${until}.`,
      not_before: until,
    }
  },
}
