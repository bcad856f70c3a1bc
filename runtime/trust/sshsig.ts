import { createHash, verify } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import { ed25519KeyObject, parseKeyBlob, type SshPublicKey } from './ssh-key.ts'
import { readWire, strictBase64, wireString } from './ssh-wire.ts'

/** Namespaces of the product (DESIGN section 3): a signature for one purpose is worth nothing for another. */
export type Namespace = 'git' | 'contractor-approval' | 'contractor-root' | 'contractor-audit'

export type SignedPayload = { payload: Uint8Array; signature: string; namespace: string }
export type VerifiedSignature = {
  /** `ssh-ed25519 AAAA…`: who signed. That the key is trusted is for the caller to judge. */
  key: string
  /** `SHA256:…` */
  fingerprint: string
}

const MAGIC = Buffer.from('SSHSIG')
const BEGIN = '-----BEGIN SSH SIGNATURE-----\n'
const END = '-----END SSH SIGNATURE-----'
const USER_PRESENT = 0x01
const MAX_ARMOUR_CHARS = 8192

/**
 * Verifies an armoured SSH signature as OpenSSH's PROTOCOL.sshsig defines it.
 * @throws Fault `SIGNATURE_INVALID` for any other format, key type, namespace, hash or payload, and for a security key
 * that did not attest the presence of its user.
 */
export function verifySshsig({ payload, signature, namespace }: SignedPayload): VerifiedSignature {
  const { key, hash, blob } = parseSshsig(signature, namespace)
  const message = signedMessage(namespace, hash, payload)
  const wire = readWire(blob, 'SIGNATURE_INVALID', 'signature')
  const type = wire.string().toString('latin1')
  if (type !== key.type) refuse(`the key is ${key.type}, but the signature was made with ${JSON.stringify(type)}`)
  const bytes = wire.string()
  const attestation = key.type === 'ssh-ed25519' ? null : { flags: wire.byte(), counter: wire.uint32() }
  wire.end()
  if (attestation !== null && (attestation.flags & USER_PRESENT) === 0)
    refuse(`the security key ${key.fingerprint} signed without its user being present`)
  const signed = attestation === null ? message : authenticatorMessage(key, attestation, message)
  if (bytes.length !== 64 || !verify(null, signed, ed25519KeyObject(key.point), bytes))
    refuse(`the signature by ${key.fingerprint} is not over these bytes`)
  return { key: key.text, fingerprint: key.fingerprint }
}

/** What an SSH signature signs: the payload's hash, bound to the namespace. */
export function signedMessage(namespace: string, hash: 'sha256' | 'sha512', payload: Uint8Array): Buffer {
  const digest = createHash(hash).update(payload).digest()
  return Buffer.concat([MAGIC, ...[namespace, '', hash, digest].map(wireString)])
}

/** The armoured signature, lines of 70 characters as ssh-keygen writes them, with a final line feed. */
export function formatSshsig(keyBlob: Buffer, namespace: string, hash: 'sha256' | 'sha512', blob: Buffer): string {
  const body = Buffer.concat([
    MAGIC,
    Buffer.from([0, 0, 0, 1]),
    ...[keyBlob, namespace, '', hash, blob].map((part) => wireString(part)),
  ])
  const lines = body.toString('base64').match(/.{1,70}/g) ?? []
  return `${BEGIN}${lines.join('\n')}\n${END}\n`
}

function parseSshsig(
  armour: string,
  namespace: string,
): { key: SshPublicKey; hash: 'sha256' | 'sha512'; blob: Buffer } {
  const wire = readWire(dearmour(armour), 'SIGNATURE_INVALID', 'signature')
  if (MAGIC.some((byte) => byte !== wire.byte())) refuse('it does not begin with SSHSIG')
  const version = wire.uint32()
  if (version !== 1) refuse(`expected version 1, found ${version}`)
  const key = parseKeyBlob(wire.string(), 'SIGNATURE_INVALID', 'signature')
  const found = wire.string().toString()
  if (found !== namespace) refuse(`expected namespace ${namespace}, found ${JSON.stringify(found)}`)
  if (wire.string().length > 0) refuse('the reserved field is not empty')
  const hash = wire.string().toString('latin1')
  if (hash !== 'sha256' && hash !== 'sha512') refuse(`expected hash sha256 or sha512, found ${JSON.stringify(hash)}`)
  const blob = wire.string()
  wire.end()
  return { key, hash, blob }
}

/** Accepts exactly one armoured block, with or without its final line feed, and nothing around it. */
function dearmour(armour: string): Buffer {
  const text = armour.endsWith('\n') ? armour.slice(0, -1) : armour
  if (text.length > MAX_ARMOUR_CHARS || !text.startsWith(BEGIN) || !text.endsWith(`\n${END}`))
    refuse('expected one block of "-----BEGIN SSH SIGNATURE-----"')
  const lines = text.slice(BEGIN.length, -END.length - 1).split('\n')
  if (lines.some((line) => line === '' || line.length > 76)) refuse('expected lines of 1 to 76 characters')
  return strictBase64(lines.join('')) ?? refuse('the armour is not base64')
}

/** What a FIDO authenticator signs (PROTOCOL.u2f): application, flags and counter around the message's hash. */
function authenticatorMessage(
  key: SshPublicKey,
  attested: { flags: number; counter: number },
  message: Buffer,
): Buffer {
  const state = Buffer.alloc(5)
  state.writeUInt8(attested.flags)
  state.writeUInt32BE(attested.counter, 1)
  const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest()
  return Buffer.concat([sha256(key.application), state, sha256(message)])
}

function refuse(why: string): never {
  throw new Fault('SIGNATURE_INVALID', `The SSH signature is refused: ${why}`)
}
