import { createHash, createPublicKey, sign, verify } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import { SPKI_PREFIX, verifierOf, type NoteSigner, type NoteVerifier } from './note.ts'

const COSIGNATURE = 4

/** First 4 bytes of SHA-256 over name, newline, algorithm byte and public key (C2SP tlog-cosignature). */
function keyId({ name, publicKey }: NoteVerifier): Buffer {
  const named = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([COSIGNATURE]), publicKey])
  return createHash('sha256').update(named).digest().subarray(0, 4)
}

/** `<name>+<key id, hex>+<base64 of algorithm byte and key>` */
export function formatWitness(verifier: NoteVerifier): string {
  const key = Buffer.concat([Buffer.from([COSIGNATURE]), verifier.publicKey])
  return `${verifier.name}+${keyId(verifier).toString('hex')}+${key.toString('base64')}`
}

/** @throws Fault `UNTRUSTED` when the text is not a witness's verifier key */
export function parseWitness(text: string): NoteVerifier {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text)
  const key = Buffer.from(found?.[3] ?? '', 'base64')
  const verifier = { name: found?.[1] ?? '', publicKey: key.subarray(1) }
  const isWhole = found !== null && key.length === 33 && key[0] === COSIGNATURE
  if (isWhole && keyId(verifier).toString('hex') === found[2]) return verifier
  throw new Fault('UNTRUSTED', `"${text.slice(0, 200)}" is not the verifier key of a witness`)
}

const message = (text: string, seconds: number): Buffer => Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`)

/** The signed text of a note, with its last newline. */
function textOf(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1)
}

/** The note with a line that says that `signer` saw this checkpoint, consistent with all before, at `seconds` of Unix time. */
export function cosign(note: string, signer: NoteSigner, seconds: number): string {
  const time = Buffer.alloc(8)
  time.writeBigUInt64BE(BigInt(seconds))
  const signature = sign(null, message(textOf(note), seconds), signer.key)
  const body = Buffer.concat([keyId(verifierOf(signer)), time, signature]).toString('base64')
  return `${note}— ${signer.name} ${body}\n`
}

/** @returns when the witness saw it, in seconds of Unix time. @throws Fault `UNTRUSTED` */
export function openCosignature(note: string, witness: NoteVerifier): number {
  const id = keyId(witness)
  for (const line of note.slice(textOf(note).length + 1).split('\n')) {
    const [dash, name, encoded = ''] = line.split(' ')
    const body = Buffer.from(encoded, 'base64')
    if (dash !== '—' || name !== witness.name || body.length !== 76 || !body.subarray(0, 4).equals(id)) continue
    const seconds = Number(body.readBigUInt64BE(4))
    const spki = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, witness.publicKey]), format: 'der', type: 'spki' })
    if (verify(null, message(textOf(note), seconds), spki, body.subarray(12))) return seconds
    throw new Fault('UNTRUSTED', `the cosignature of ${witness.name} does not verify`)
  }
  throw new Fault('UNTRUSTED', `the checkpoint is not cosigned by ${witness.name}`)
}
