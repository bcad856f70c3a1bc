import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import { ed25519Blob, parseKeyBlob } from '../../runtime/trust/ssh-key.ts'
import { readWire, strictBase64, wireString, wireUint32 } from '../../runtime/trust/ssh-wire.ts'

const MAGIC = 'openssh-key-v1\0'
const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----\n'
const END = '-----END OPENSSH PRIVATE KEY-----\n'
const BLOCK = 8
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A new Ed25519 seed: 32 bytes. */
export function generateSeed(): Buffer {
  const pkcs8 = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' })
  return pkcs8.subarray(PKCS8_PREFIX.length)
}

export function keyPair(seed: Buffer): { key: KeyObject; point: Buffer; blob: Buffer } {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = key.export({ format: 'jwk' })
  const point = Buffer.from(x, 'base64url')
  return { key, point, blob: ed25519Blob(point) }
}

/**
 * The seed in the text of an OpenSSH private key, after every field was checked against the others.
 * @throws Fault `CONFIG_INVALID`, naming `file`.
 */
export function parsePrivateKey(text: string, file: string): Buffer {
  const body = text.startsWith(BEGIN) && text.endsWith(END) ? text.slice(BEGIN.length, -END.length) : ''
  const bytes = strictBase64(body.replaceAll('\n', ''))
  if (bytes?.subarray(0, MAGIC.length).toString('latin1') !== MAGIC)
    throw invalid(file, 'expected an OpenSSH private key ("-----BEGIN OPENSSH PRIVATE KEY-----")')
  const outer = readWire(bytes.subarray(MAGIC.length), 'CONFIG_INVALID', file)
  const [cipher, kdf] = [outer.string().toString(), outer.string().toString()]
  if (cipher !== 'none' || kdf !== 'none')
    throw invalid(file, 'the key is encrypted with a passphrase, which a service cannot be asked for; use one without')
  if (outer.string().length !== 0) throw invalid(file, 'expected no options of a key derivation')
  if (outer.uint32() !== 1) throw invalid(file, 'expected exactly one key')
  const published = parseKeyBlob(outer.string(), 'CONFIG_INVALID', file)
  const inner = readWire(outer.string(), 'CONFIG_INVALID', file)
  outer.end()
  if (inner.uint32() !== inner.uint32()) throw invalid(file, 'its two check numbers differ: the file is damaged')
  if (inner.string().toString() !== 'ssh-ed25519') throw invalid(file, 'expected a key of type ssh-ed25519')
  const point = inner.string()
  const secret = inner.string()
  inner.string()
  if (inner.rest().some((byte, at) => byte !== at + 1)) throw invalid(file, 'its padding is damaged')
  if (secret.length !== 64) throw invalid(file, `expected 64 bytes of secret, found ${secret.length}`)
  const seed = secret.subarray(0, 32)
  const derived = keyPair(seed).point
  if (!secret.subarray(32).equals(derived) || !point.equals(derived) || !published.point.equals(derived))
    throw invalid(file, 'its public and private parts do not belong together')
  return seed
}

/** The text of an unencrypted key, as ssh-keygen writes it. */
export function formatPrivateKey(seed: Buffer, comment: string): string {
  const { point, blob } = keyPair(seed)
  const check = randomBytes(4)
  const secret = Buffer.concat([
    check,
    check,
    ...['ssh-ed25519', point, Buffer.concat([seed, point]), comment].map((part) => wireString(part)),
  ])
  const padding = Buffer.from(Array.from({ length: (BLOCK - (secret.length % BLOCK)) % BLOCK }, (_, at) => at + 1))
  const body = Buffer.concat([
    Buffer.from(MAGIC),
    ...['none', 'none', ''].map((part) => wireString(part)),
    wireUint32(1),
    wireString(blob),
    wireString(Buffer.concat([secret, padding])),
  ])
  const lines = body.toString('base64').match(/.{1,70}/g) ?? []
  return `${BEGIN}${lines.join('\n')}\n${END}`
}

const invalid = (file: string, why: string) => new Fault('CONFIG_INVALID', `${file}: ${why}`)
