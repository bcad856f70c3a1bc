import { fitsRuntime, formatRange } from '../../runtime/bundle/compatibility.ts'
import { PASS, promotionRule, wantedDigest, type AliasGate } from './alias-gate.ts'

/** The version is sealed, and the digest in the alias file is the seal's. */
export const sealed: AliasGate = {
  name: 'sealed',
  judge({ wanted, seal, sealVerdict }) {
    const version = `${wanted.bundle} ${wanted.version}`
    if (seal === null && sealVerdict === 'pending') {
      return {
        verdict: 'wait',
        code: 'EVIDENCE_PENDING',
        message: `The gates of ${version} are still running.`,
        not_before: null,
      }
    }
    if (seal === null) {
      const why =
        sealVerdict === 'refused' ? 'its gates refused it' : `bundles/${wanted.bundle}/ does not hold that version`
      return { verdict: 'deny', code: 'NOT_SEALED', message: `${version} is not sealed: ${why}.` }
    }
    if (wanted.digest === undefined || wanted.digest === seal.digest) return PASS
    return {
      verdict: 'deny',
      code: 'DIGEST_MISMATCH',
      message: `The alias names ${wanted.digest}, and ${version} is ${seal.digest}.`,
    }
  },
}

/** An alias with `from` only takes what that alias holds. */
export const stage: AliasGate = {
  name: 'stage',
  judge(evidence) {
    const from = promotionRule(evidence)?.from
    if (from === undefined || from === evidence.alias) return PASS
    const holds = evidence.state?.aliases[from]
    if (holds?.digest === wantedDigest(evidence)) return PASS
    const found = holds === undefined ? 'nothing' : `${holds.bundle} ${holds.version} (${holds.digest})`
    return {
      verdict: 'deny',
      code: 'NOT_CANDIDATE',
      message: `${evidence.alias} only takes what ${from} holds, and ${from} holds ${found}.`,
    }
  },
}

/** The digest was not revoked. */
export const revoked: AliasGate = {
  name: 'revoked',
  judge(evidence) {
    const entry = evidence.revoked.find((revocation) => revocation.digest === wantedDigest(evidence))
    if (entry === undefined) return PASS
    return { verdict: 'deny', code: 'BUNDLE_REVOKED', message: `${entry.digest} was revoked: ${entry.reason}` }
  },
}

/** The bundle fits the Runtime that the registry says is in production (ADR 0008). */
export const compatible: AliasGate = {
  name: 'compatibility',
  judge({ seal, rules }) {
    if (seal === null || fitsRuntime(seal.compatibility, rules.runtime.version)) return PASS
    return {
      verdict: 'deny',
      code: 'INCOMPATIBLE_RUNTIME',
      message: `${seal.bundle} ${seal.version} needs a Runtime ${formatRange(seal.compatibility)}, and ${rules.runtime.version} is in production.`,
    }
  },
}
