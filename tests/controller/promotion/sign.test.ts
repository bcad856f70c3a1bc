import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { generateKeyPair, openSigner } from '../../../controller/promotion/sign.ts'
import { formatAllowedSigner } from '../../../runtime/trust/allowed-signers.ts'
import { verifySshsig } from '../../../runtime/trust/sshsig.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { sshKeygen, stockKey, stockSign, stockVerify, temporaryFolder } from '../../support/ssh-keygen.ts'

const payload = Buffer.from('a statement\n')

describe('a key that we make', () => {
  it('is accepted by ssh-keygen, which signs with it what we verify', async () => {
    for (const comment of ['', 'a', 'ab', 'controller of acme', 'xxxxxxxx']) {
      const file = join(await temporaryFolder(), 'key')
      const { publicKey } = await generateKeyPair(file, comment)
      expect((await sshKeygen('-y', '-f', file)).trim()).toBe(`${publicKey} ${comment}`.trim())
      expect(await readFile(`${file}.pub`, 'utf8')).toContain(publicKey)
      const signature = await stockSign(file, payload, 'git')
      expect(verifySshsig({ payload, signature, namespace: 'git' }).key).toBe(publicKey)
    }
  })

  it('can be read by its owner alone, and is never written over another', async () => {
    const file = join(await temporaryFolder(), 'key')
    await generateKeyPair(file, 'first')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const before = await readFile(file, 'utf8')
    expect(await faultReason(() => generateKeyPair(file, 'second'))).toBe('CONFIG_INVALID')
    expect(await readFile(file, 'utf8')).toBe(before)
  })
})

describe('a signature that we make', () => {
  it('is accepted by ssh-keygen for its principal and namespace, and for nothing else', async () => {
    const { file, publicKey } = await stockKey('ed25519')
    const signer = await openSigner(file)
    expect(signer.publicKey).toBe(publicKey)
    const signature = await signer.sign(payload, 'contractor-approval')
    const allowedSigners = formatAllowedSigner({
      principal: 'ben',
      namespaces: ['contractor-approval'],
      key: publicKey,
    })
    const right = { allowedSigners, principal: 'ben', namespace: 'contractor-approval', signature, payload }
    expect(await stockVerify(right)).toBe(true)
    expect(await stockVerify({ ...right, principal: 'ana' })).toBe(false)
    expect(await stockVerify({ ...right, namespace: 'git' })).toBe(false)
    expect(await stockVerify({ ...right, payload: 'another\n' })).toBe(false)
  })

  it('is, byte for byte, the one that ssh-keygen makes', async () => {
    const { file } = await stockKey('ed25519')
    const signer = await openSigner(file)
    expect(await signer.sign(payload, 'git')).toBe(await stockSign(file, payload, 'git'))
  })
})

describe('a private key file', () => {
  it('that is absent, encrypted, of another type, or readable by others is refused', async () => {
    const encrypted = await stockKey('ed25519', { passphrase: 'secret' })
    const rsa = await stockKey('rsa', { bits: 2048 })
    const open = await stockKey('ed25519')
    await chmod(open.file, 0o640)
    for (const file of ['/nowhere/key', encrypted.file, rsa.file, open.file, `${open.file}.pub`])
      expect(await faultReason(() => openSigner(file))).toBe('CONFIG_INVALID')
    await chmod(open.file, 0o400)
    expect(await faultReason(() => openSigner(open.file))).toBeNull()
  })

  it('that was damaged is refused', async () => {
    const { file } = await stockKey('ed25519')
    const lines = (await readFile(file, 'utf8')).split('\n')
    const body = Buffer.from(lines.slice(1, -2).join(''), 'base64')
    for (let at = 0; at < body.length; at += 3) {
      const spoiled = Buffer.from(body)
      spoiled.writeUInt8((spoiled.readUInt8(at) + 1) % 256, at)
      const text = [lines[0], spoiled.toString('base64'), ...lines.slice(-2)].join('\n')
      await writeFile(file, text)
      const onlyComment = !spoiled.toString('latin1').includes('stock')
      if (!onlyComment) expect(await faultReason(() => openSigner(file))).toBe('CONFIG_INVALID')
    }
  })
})
