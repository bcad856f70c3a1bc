import { Fault } from '../../schemas/fault.ts'

const MAX_LENGTH = 250
const READABLE = /^refs(?:\/[A-Za-z0-9][A-Za-z0-9._+@=#-]*){2,}$/
const WRITABLE = /^refs\/(?:heads(?:\/[a-z0-9][a-z0-9._-]*)+|tags(?:\/[a-z0-9][a-z0-9._-]*)*\/[a-z0-9][A-Za-z0-9._-]*)$/
const FORBIDDEN = /\.\.|@\{|\.(?:$|\/)|\.lock(?:$|\/)|\/HEAD$|^refs\/replace\//

/** A full ref name that may be read: allow-listed characters, nothing that Git or a file system would read otherwise. */
export function isReadableRef(ref: string): boolean {
  return ref.length <= MAX_LENGTH && READABLE.test(ref) && !FORBIDDEN.test(ref)
}

/**
 * @throws Fault `REF_NAME_INVALID` unless the ref is a branch in lower case, or a tag whose directories are (a version
 * such as `1.0.0-RC.1` may hold capitals), so that no two names are one on a file system without case.
 */
export function assertWritableRef(ref: string): void {
  if (isReadableRef(ref) && WRITABLE.test(ref)) return
  throw new Fault(
    'REF_NAME_INVALID',
    `${JSON.stringify(ref.slice(0, MAX_LENGTH))}: expected refs/heads/… or refs/tags/… of lower-case letters, digits and ._-`,
  )
}

export function assertReadableRef(ref: string): void {
  if (isReadableRef(ref)) return
  throw new Fault(
    'REF_NAME_INVALID',
    `${JSON.stringify(ref.slice(0, MAX_LENGTH))}: expected a full ref name such as refs/heads/main`,
  )
}

/** Whether a ref is the one named, or stands below a prefix that ends in a slash. */
export function matchesRef(ref: string, prefix: string): boolean {
  return ref === prefix || (prefix.endsWith('/') && ref.startsWith(prefix))
}
