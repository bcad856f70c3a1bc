import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { principalFor } from '../../runtime/trust/allowed-signers.ts'
import { principalOf } from '../../runtime/trust/approvals.ts'
import { verifySshsig } from '../../runtime/trust/sshsig.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { Fault } from '../../schemas/fault.ts'

/** The key of the SSH signature of a commit; null where it has none that verifies. */
export type CommitSigner = { commit: string; key: string | null }

/** Who signed these commits. Whether a key is anybody's is judged later, under the governance in force. */
export async function readSigners(reader: ObjectReader, commits: readonly string[]): Promise<CommitSigner[]> {
  const signers: CommitSigner[] = []
  for (const commit of commits) {
    const { payload, signature } = await readCommit(reader, commit)
    signers.push({ commit, key: signature === null ? null : keyOf(payload, signature) })
  }
  return signers
}

function keyOf(payload: Buffer, signature: string): string | null {
  try {
    return verifySshsig({ payload, signature, namespace: 'git' }).key
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}

/** Why a commit does not count as signed; null where somebody of `roles.yaml` signed it. Pure. */
export function whyUnsigned({ commit, key }: CommitSigner, { signers, roles }: LedgerState, at: Date): string | null {
  if (key === null) return `${commit} has no SSH signature that verifies`
  const signer = principalFor(signers, key, 'git', at)
  if (signer === null) return `${commit} is signed by a key that nobody has for git in governance/allowed_signers`
  return principalOf(roles, signer) === null ? `${commit} is signed by ${signer}, who is nobody in roles.yaml` : null
}
