import { formatCommit, signedCommit, type Person } from '../../runtime/git/commit-object.ts'
import type { ObjectType, ObjectWriter } from '../../runtime/git/object-reader.ts'
import { formatTag, signedTag } from '../../runtime/git/tag-object.ts'
import { verifySshsig } from '../../runtime/trust/sshsig.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Signer } from './sign.ts'

export type UnsignedCommit = { tree: string; parents: readonly string[]; person: Person; message: string }
export type UnsignedTag = { object: string; type: ObjectType; tag: string; person: Person; message: string }

/** Writes a commit as `git commit -S` would. The signature is verified before the object exists. */
export async function writeSignedCommit(writer: ObjectWriter, signer: Signer, commit: UnsignedCommit): Promise<string> {
  const { tree, parents, person, message } = commit
  const payload = formatCommit({ tree, parents, author: person, committer: person, message })
  return writer.write('commit', signedCommit(payload, await checkedSignature(signer, payload)))
}

/** Writes an annotated tag as `git tag -s` would. The signature is verified before the object exists. */
export async function writeSignedTag(writer: ObjectWriter, signer: Signer, unsigned: UnsignedTag): Promise<string> {
  const { object, type, tag, person, message } = unsigned
  const payload = formatTag({ object, type, tag, tagger: person, message })
  return writer.write('tag', signedTag(payload, await checkedSignature(signer, payload)))
}

async function checkedSignature(signer: Signer, payload: Buffer): Promise<string> {
  const signature = await signer.sign(payload, 'git')
  const { key } = verifySshsig({ payload, signature, namespace: 'git' })
  if (key === signer.publicKey) return signature
  throw new Fault('SIGNATURE_INVALID', `The signer signed with ${key}, and its public key is ${signer.publicKey}.`)
}
