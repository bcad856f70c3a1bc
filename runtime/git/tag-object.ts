import { Fault } from '../../schemas/fault.ts'
import { OID } from '../../schemas/names.ts'
import type { ObjectType } from './object-reader.ts'
import { splitObject } from './object-headers.ts'
import { formatPerson, parsePerson, type Person } from './person.ts'

export type Tag = {
  object: string
  type: ObjectType
  /** The name that the tag gives itself: compare it with the ref that it stands at. */
  tag: string
  tagger: Person
  message: string
  /** The raw bytes before the signature: what was signed. */
  payload: Buffer
  signature: string | null
}

const TYPES = new Map<string, ObjectType>([
  ['commit', 'commit'],
  ['tree', 'tree'],
  ['blob', 'blob'],
  ['tag', 'tag'],
])
const ARMOUR = /^-----BEGIN (?:SSH SIGNATURE|PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE)-----/gm

/**
 * Reads an annotated tag from its raw bytes. The signature is what follows the message, as `git tag -s` puts it.
 * @throws Fault `OBJECT_CORRUPT` for anything that Git would not have written, and for a second signature.
 */
export function parseTag(raw: Buffer): Tag {
  const corrupt = (found: string) => new Fault('OBJECT_CORRUPT', `tag: ${found}`)
  const { headers, messageStart } = splitObject(raw, 'tag')
  const [object, type, tag, by, ...more] = headers
  if (
    object?.name !== 'object' ||
    type?.name !== 'type' ||
    tag?.name !== 'tag' ||
    by?.name !== 'tagger' ||
    more.length > 0
  ) {
    throw corrupt(`expected the headers object, type, tag, tagger, found ${headers.map(({ name }) => name).join(', ')}`)
  }
  const objectType = TYPES.get(type.value)
  const tagger = parsePerson(by.value)
  if (!OID.test(object.value) || objectType === undefined) throw corrupt('expected the id and type of an object')
  if (tagger === null) throw corrupt('expected "tagger <name> <<e-mail>> <seconds> <+hhmm>"')
  const body = raw.toString('latin1', messageStart)
  const [armour, second] = [...body.matchAll(ARMOUR)].map(({ index }) => messageStart + index)
  if (second !== undefined) throw corrupt('expected at most one signature')
  const payload = raw.subarray(0, armour ?? raw.length)
  return {
    object: object.value,
    type: objectType,
    tag: tag.value,
    tagger,
    message: payload.toString('utf8', messageStart),
    payload,
    signature: armour === undefined ? null : raw.toString('latin1', armour),
  }
}

/** The bytes of a tag, not yet signed. */
export function formatTag(tag: {
  object: string
  type: ObjectType
  tag: string
  tagger: Person
  message: string
}): Buffer {
  const head = `object ${tag.object}\ntype ${tag.type}\ntag ${tag.tag}\ntagger ${formatPerson(tag.tagger)}\n\n`
  const message = tag.message.endsWith('\n') ? tag.message : `${tag.message}\n`
  const raw = Buffer.from(head + message)
  parseTag(raw)
  return raw
}

/** Puts an armoured signature behind a tag, as `git tag -s` does. */
export function signedTag(payload: Buffer, armour: string): Buffer {
  return Buffer.concat([payload, Buffer.from(armour.endsWith('\n') ? armour : `${armour}\n`)])
}
