import { Fault } from '../../schemas/fault.ts'
import { parseCommit } from '../git/commit-object.ts'
import { verifySshsig } from './sshsig.ts'

declare const verified: unique symbol
/** A commit whose signature one of the trusted keys made. */
export type VerifiedCommit = ReturnType<typeof parseCommit> & {
  oid: string
  /** `ssh-ed25519 AAAA…`: who signed. */
  key: string
  [verified]: true
}

/**
 * Verifies a commit as `git verify-commit` does with these keys listed for the namespace `git`.
 * @param raw the body of the object that has this oid.
 * @throws Fault `UNTRUSTED` when it is unsigned, or not signed by one of `keys`.
 */
export function verifyCommit(oid: string, raw: Buffer, keys: readonly string[]): VerifiedCommit {
  const commit = parseCommit(raw)
  const key = verifyGitSignature(`commit ${oid}`, commit, keys)
  return { ...commit, oid, key } as VerifiedCommit
}

/** Which of the keys signed a commit or tag. @throws Fault `UNTRUSTED`. */
export function verifyGitSignature(
  what: string,
  { payload, signature }: { payload: Buffer; signature: string | null },
  keys: readonly string[],
): string {
  if (signature === null) throw new Fault('UNTRUSTED', `${what} is not signed`)
  try {
    const { key, fingerprint } = verifySshsig({ payload, signature, namespace: 'git' })
    if (keys.includes(key)) return key
    throw new Fault('UNTRUSTED', `${what} is signed by ${fingerprint}, which no keyset in force lists`)
  } catch (error) {
    if (error instanceof Fault && error.reason === 'SIGNATURE_INVALID')
      throw new Fault('UNTRUSTED', `${what}: ${error.message}`, { cause: error })
    throw error
  }
}
