import { commitsTouching, type CommitInfo } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { principalFor, type AllowedSigner } from '../../runtime/trust/allowed-signers.ts'
import { principalOf } from '../../runtime/trust/approvals.ts'
import { verifySshsig } from '../../runtime/trust/sshsig.ts'
import type { Roles } from '../../schemas/registry/governance.ts'
import { Fault } from '../../schemas/fault.ts'
import { tellable } from './tellable.ts'

/** Who may not approve a bundle version, before names are mapped by the roles in force. */
export type Authorship = {
  /** E-mail addresses of authors and co-authors. */
  emails: readonly string[]
  /** Keys that signed commits. */
  keys: readonly string[]
}

const CO_AUTHOR = /^co-authored-by:[^<\n]*<([^<>\n]+)>[ \t]*$/gim

/** Everyone who had a hand in `bundles/<bundle>/` at `tip` since the commit that was last sealed; since the beginning for a first seal. */
export async function readAuthorship(
  reader: ObjectReader,
  bundle: string,
  tip: string,
  lastSealed: string | null,
): Promise<Authorship> {
  const commits = await commitsTouching(reader, `bundles/${bundle}`, tip, lastSealed)
  const emails = commits.flatMap(({ author, message }) => [author.email, ...coAuthors(message)])
  const keys = commits.flatMap((commit) => signingKey(commit) ?? [])
  return { emails: [...new Set(emails.map(nameable))], keys: [...new Set(keys)] }
}

/** Principals, sorted; an e-mail address that belongs to nobody stays as it is. */
export function mapAuthors(
  createdBy: string,
  { emails, keys }: Authorship,
  roles: Roles,
  signers: readonly AllowedSigner[],
  at: Date,
): string[] {
  const named = [createdBy, ...emails].map((name) => principalOf(roles, name)?.id ?? name)
  const signed = keys.flatMap((key) => {
    const signer = principalFor(signers, key, 'git', at)
    return signer === null ? [] : [principalOf(roles, signer)?.id ?? signer]
  })
  return [...new Set([...named, ...signed])].sort()
}

/** An address as an entry can hold it; nobody in roles.yaml has one that is empty or longer. */
const nameable = (email: string): string => tellable(email, 254) || 'unknown'

const coAuthors = (message: string): string[] => [...message.matchAll(CO_AUTHOR)].map(([, email = '']) => email)

/** The key of an SSH signature that verifies; any other signature names nobody. */
function signingKey({ payload, signature }: CommitInfo): string | null {
  if (signature === null) return null
  try {
    return verifySshsig({ payload, signature, namespace: 'git' }).key
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}
