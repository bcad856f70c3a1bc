import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import type { Reason } from '../../schemas/reasons.ts'
import { readWire, strictBase64, wireString } from './ssh-wire.ts'

/** The only key types that are trusted; RSA, DSA, ECDSA and certificates are refused wherever they stand. */
export const KEY_TYPES = ['ssh-ed25519', 'sk-ssh-ed25519@openssh.com'] as const
export type KeyType = (typeof KEY_TYPES)[number]

export type SshPublicKey = {
  type: KeyType
  /** `ssh-ed25519 AAAA…`, without a comment: the one form in which keys are compared. */
  text: string
  /** `SHA256:…`, as ssh-keygen prints it. */
  fingerprint: string
  /** The 32 bytes of the Ed25519 point. */
  point: Buffer
  /** What a security key was enrolled for, such as `ssh:`; empty for a key in a file. */
  application: string
}

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** Reads the binary form of a public key. @throws Fault `reason` for another type or a malformed key. */
export function parseKeyBlob(blob: Buffer, reason: Reason, what: string): SshPublicKey {
  const wire = readWire(blob, reason, what)
  const name = wire.string().toString('latin1')
  const type = KEY_TYPES.find((known) => known === name)
  if (type === undefined)
    throw new Fault(reason, `${what}: expected a key of type ${KEY_TYPES.join(' or ')}, found ${JSON.stringify(name)}`)
  const point = wire.string()
  if (point.length !== 32) throw new Fault(reason, `${what}: expected 32 bytes of key, found ${point.length}`)
  const application = type === 'ssh-ed25519' ? '' : wire.string().toString()
  wire.end()
  const hash = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  return { type, text: `${type} ${blob.toString('base64')}`, fingerprint: `SHA256:${hash}`, point, application }
}

/**
 * Reads `ssh-ed25519 AAAA… [comment]`, as it stands in a `.pub` file, in root.json or in a keyset.
 * @throws Fault `reason` for another type or a malformed key.
 */
export function parsePublicKey(text: string, reason: Reason, what: string): SshPublicKey {
  const [type = '', base64 = ''] = text.trim().split(/[ \t]+/)
  const blob = strictBase64(base64)
  if (blob === null)
    throw new Fault(reason, `${what}: expected "ssh-ed25519 AAAA…", found ${JSON.stringify(text.slice(0, 80))}`)
  const key = parseKeyBlob(blob, reason, what)
  if (key.type !== type) throw new Fault(reason, `${what}: the text says ${type}, the key itself ${key.type}`)
  return key
}

export function ed25519Blob(point: Uint8Array): Buffer {
  return Buffer.concat([wireString('ssh-ed25519'), wireString(point)])
}

const MOST_KEYS = 256
const keyObjects = new Map<string, KeyObject>()

/** Making a key costs more than verifying with it, and few keys sign nearly everything. */
export function ed25519KeyObject(point: Buffer): KeyObject {
  const name = point.toString('latin1')
  const known = keyObjects.get(name)
  if (known !== undefined) return known
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, point]), format: 'der', type: 'spki' })
  if (keyObjects.size >= MOST_KEYS) keyObjects.clear()
  keyObjects.set(name, key)
  return key
}
