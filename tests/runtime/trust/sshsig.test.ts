import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { formatSshsig, signedMessage, verifySshsig } from '../../../runtime/trust/sshsig.ts'
import { wireString } from '../../../runtime/trust/ssh-wire.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { sshKeygen, stockKey, stockSign, type StockKey } from '../../support/ssh-keygen.ts'

const payload = Buffer.from('promote acme/current faq 1.2.0\n')
const namespace = 'contractor-approval'
const refusal = (signature: string, changes: { payload?: Buffer; namespace?: string } = {}) =>
  faultReason(() => verifySshsig({ payload, namespace, signature, ...changes }))

let key: StockKey
let signature: string
beforeAll(async () => {
  key = await stockKey('ed25519')
  signature = await stockSign(key.file, payload, namespace)
})

describe('a signature that ssh-keygen made', () => {
  it.each(['sha256', 'sha512'])('verifies with hash %s, and says which key signed', async (hash) => {
    const made = await stockSign(key.file, payload, namespace, ['-O', `hashalg=${hash}`])
    const verified = verifySshsig({ payload, namespace, signature: made })
    expect(verified.key).toBe(key.publicKey)
    expect(await sshKeygen('-l', '-f', `${key.file}.pub`)).toContain(verified.fingerprint)
  })

  it('verifies without the line feed at its end', () => {
    expect(verifySshsig({ payload, namespace, signature: signature.trimEnd() }).key).toBe(key.publicKey)
  })

  it('is refused for another namespace, or over another payload', async () => {
    expect(await refusal(signature, { namespace: 'git' })).toBe('SIGNATURE_INVALID')
    expect(await refusal(signature, { namespace: 'contractor-approval\0' })).toBe('SIGNATURE_INVALID')
    expect(await refusal(signature, { payload: Buffer.from('promote acme/current faq 1.2.1\n') })).toBe(
      'SIGNATURE_INVALID',
    )
  })

  it.each([
    ['rsa', 2048],
    ['ecdsa', 256],
  ])('is refused from a key of type %s', async (type, bits) => {
    const other = await stockKey(type, { bits })
    expect(await refusal(await stockSign(other.file, payload, namespace))).toBe('SIGNATURE_INVALID')
  })

  it('is refused when any one character of it is another', async () => {
    const body = signature.indexOf('\n') + 1
    for (let at = body; at < signature.indexOf('\n-----END'); at += 7) {
      const other = signature[at] === 'A' ? 'B' : 'A'
      expect(await refusal(signature.slice(0, at) + other + signature.slice(at + 1))).toBe('SIGNATURE_INVALID')
    }
  })
})

describe('armour', () => {
  const spoiled: [string, (text: string) => string][] = [
    ['is empty', () => ''],
    ['has text before it', (text) => `x\n${text}`],
    ['has text after it', (text) => `${text}x`],
    ['has two line feeds at its end', (text) => `${text}\n`],
    ['ends its lines with CR LF', (text) => text.replaceAll('\n', '\r\n')],
    ['stands there twice', (text) => text + text],
    ['has a blank in a line', (text) => text.replace('\nU1NI', '\n U1NI')],
    ['has an empty line', (text) => text.replace('\n', '\n\n')],
    ['is one long line', (text) => text.replaceAll('\n', '').replace('SIGNATURE-----', 'SIGNATURE-----\n')],
    ['is base64url', (text) => text.replaceAll('+', '-').replaceAll('/', '_').replace('U1NI', 'U1N_')],
    ['has lost its last line', (text) => text.replace(/\n[^\n]*\n-----END/, '\n-----END')],
    ['is of PGP', (text) => text.replaceAll('SSH SIGNATURE', 'PGP SIGNATURE')],
    ['is very long', (text) => text.replace('\n-----END', `\n${'AAAA\n'.repeat(3000)}-----END`)],
  ]
  it.each(spoiled)('that %s is refused', async (_what, spoil) => {
    expect(await refusal(spoil(signature))).toBe('SIGNATURE_INVALID')
  })
})

/** The parts of a signature by a key of ours, put together with some of them changed. */
function handMade(changes: { type?: string; key?: Buffer; sig?: Buffer; flags?: number; after?: Buffer } = {}): string {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const type = changes.type ?? 'ssh-ed25519'
  const security = type.startsWith('sk-')
  const blob = Buffer.concat([
    wireString(type),
    wireString(changes.key ?? point),
    ...(security ? [wireString('ssh:')] : []),
  ])
  const message = signedMessage(namespace, 'sha512', payload)
  const state = Buffer.from([changes.flags ?? 1, 0, 0, 0, 7])
  const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest()
  const signed = security ? Buffer.concat([sha256('ssh:'), state, sha256(message)]) : message
  const sig = changes.sig ?? sign(null, signed, privateKey)
  const parts = [
    wireString(type),
    wireString(sig),
    security ? state : Buffer.alloc(0),
    changes.after ?? Buffer.alloc(0),
  ]
  return formatSshsig(blob, namespace, 'sha512', Buffer.concat(parts))
}

describe('a signature put together by hand', () => {
  it('verifies when it is right', async () => {
    expect(await refusal(handMade())).toBeNull()
  })

  it('verifies from a security key whose user was present, and not from one whose user was not', async () => {
    expect(await refusal(handMade({ type: 'sk-ssh-ed25519@openssh.com', flags: 1 }))).toBeNull()
    expect(await refusal(handMade({ type: 'sk-ssh-ed25519@openssh.com', flags: 5 }))).toBeNull()
    expect(await refusal(handMade({ type: 'sk-ssh-ed25519@openssh.com', flags: 0 }))).toBe('SIGNATURE_INVALID')
    expect(await refusal(handMade({ type: 'sk-ssh-ed25519@openssh.com', flags: 4 }))).toBe('SIGNATURE_INVALID')
  })

  it.each([
    ['bytes after it', { after: Buffer.from([0]) }],
    ['63 bytes', { sig: Buffer.alloc(63) }],
    ['a short key', { key: Buffer.alloc(31) }],
    ['a key that is no point, and zeros', { key: Buffer.alloc(32, 0xff), sig: Buffer.alloc(64) }],
    ['a certificate', { type: 'ssh-ed25519-cert-v01@openssh.com' }],
    ['no type', { type: '' }],
  ])('is refused with %s', async (_what, changes) => {
    expect(await refusal(handMade(changes))).toBe('SIGNATURE_INVALID')
  })

  it('is refused with bytes after its last field', async () => {
    const body = Buffer.from(handMade().split('\n').slice(1, -2).join(''), 'base64')
    const longer =
      Buffer.concat([body, Buffer.from([0])])
        .toString('base64')
        .match(/.{1,70}/g) ?? []
    const armour = `-----BEGIN SSH SIGNATURE-----\n${longer.join('\n')}\n-----END SSH SIGNATURE-----\n`
    expect(await refusal(armour)).toBe('SIGNATURE_INVALID')
  })
})
