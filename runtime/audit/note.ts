import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'

/** An Ed25519 key that signs notes under a name (C2SP signed-note). */
export type NoteSigner = { name: string; key: KeyObject }
/** What verifies them. `publicKey` is the raw 32 bytes. */
export type NoteVerifier = { name: string; publicKey: Buffer }

const ED25519 = 1
export const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** First 4 bytes of SHA-256 over name, newline, algorithm byte and public key (C2SP signed-note). */
function keyId({ name, publicKey }: NoteVerifier): Buffer {
  const named = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([ED25519]), publicKey])
  return createHash('sha256').update(named).digest().subarray(0, 4)
}

export function verifierOf({ name, key }: NoteSigner): NoteVerifier {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return { name, publicKey: spki.subarray(SPKI_PREFIX.length) }
}

/** `<name>+<key id, hex>+<base64 of algorithm byte and key>`: what is published (C2SP signed-note). */
export function formatVerifier(verifier: NoteVerifier): string {
  const key = Buffer.concat([Buffer.from([ED25519]), verifier.publicKey])
  return `${verifier.name}+${keyId(verifier).toString('hex')}+${key.toString('base64')}`
}

/** @throws Fault `UNTRUSTED` when the text is not a verifier key, or its id is not that of its key. */
export function parseVerifier(text: string): NoteVerifier {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text)
  const key = Buffer.from(found?.[3] ?? '', 'base64')
  const verifier = { name: found?.[1] ?? '', publicKey: key.subarray(1) }
  if (found !== null && key.length === 33 && key[0] === ED25519 && keyId(verifier).toString('hex') === found[2]) {
    return verifier
  }
  throw new Fault(
    'UNTRUSTED',
    `"${text}" is not a verifier key: expected <name>+<8 hex digits>+<base64 of an Ed25519 key>`,
  )
}

/** From the 32-byte seed of an Ed25519 key. */
export function signerFromSeed(name: string, seed: Uint8Array): NoteSigner {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  return { name, key }
}

/** One signature line for `text`: a cosignature is such a line added to a note. */
export function signatureLine(text: string, signer: NoteSigner): string {
  const signature = sign(null, Buffer.from(text), signer.key)
  const body = Buffer.concat([keyId(verifierOf(signer)), signature]).toString('base64')
  return `— ${signer.name} ${body}\n`
}

/** @param text ends with a newline. */
export function signNote(text: string, signer: NoteSigner): string {
  return `${text}\n${signatureLine(text, signer)}`
}

/**
 * @returns the signed text, verified by `verifier`; other signatures are left alone.
 * @throws Fault `UNTRUSTED` when the note is malformed or not signed by it.
 */
export function openNote(note: string, verifier: NoteVerifier): string {
  const border = note.lastIndexOf('\n\n')
  if (border === -1 || !note.endsWith('\n')) throw new Fault('UNTRUSTED', 'the note has no signatures')
  const text = note.slice(0, border + 1)
  const id = keyId(verifier)
  for (const line of note.slice(border + 2, -1).split('\n')) {
    const found = /^— ([^\s+]+) ([A-Za-z0-9+/]+=*)$/.exec(line)
    if (found === null) throw new Fault('UNTRUSTED', `"${line}" is not a signature line of a note`)
    const body = Buffer.from(found[2] as string, 'base64')
    if (found[1] !== verifier.name || !body.subarray(0, 4).equals(id)) continue
    const spki = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, verifier.publicKey]), format: 'der', type: 'spki' })
    if (verify(null, Buffer.from(text), spki, body.subarray(4))) return text
    throw new Fault('UNTRUSTED', `the signature of ${verifier.name} does not verify`)
  }
  throw new Fault('UNTRUSTED', `the note is not signed by ${verifier.name}`)
}
