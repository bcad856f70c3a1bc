import { Fault } from '../../schemas/fault.ts'
import { parseTag } from '../git/tag-object.ts'
import { verifyGitSignature } from './verify-commit.ts'

declare const verified: unique symbol
/** A tag that a trusted key signed, for the ref at which it stands and the commit that it should name. */
export type VerifiedTag = { oid: string; ref: string; object: string; [verified]: true }

export type ExpectedTag = {
  oid: string
  /** The body of the object that has this oid. */
  raw: Buffer
  /** Full name of the ref at which it was found. */
  ref: string
  /** The commit that it must point to. */
  object: string
  keys: readonly string[]
}

/**
 * Verifies more than `git verify-tag`, which calls a tag good wherever it stands: the name inside must be that of the
 * ref, and the object the expected commit.
 * @throws Fault `UNTRUSTED`
 */
export function verifyTag({ oid, raw, ref, object, keys }: ExpectedTag): VerifiedTag {
  const tag = parseTag(raw)
  verifyGitSignature(`tag ${oid} at ${ref}`, tag, keys)
  if (ref !== `refs/tags/${tag.tag}`)
    throw new Fault('UNTRUSTED', `the tag at ${ref} says that it is ${JSON.stringify(tag.tag)}: it was moved there`)
  if (tag.type !== 'commit' || tag.object !== object)
    throw new Fault('UNTRUSTED', `the tag at ${ref} names ${tag.type} ${tag.object}, expected commit ${object}`)
  return { oid, ref, object } as VerifiedTag
}
