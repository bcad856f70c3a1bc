import { sign } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Fault } from '../../schemas/fault.ts'
import { formatSshsig, signedMessage } from '../../runtime/trust/sshsig.ts'
import { wireString } from '../../runtime/trust/ssh-wire.ts'
import { formatPrivateKey, generateSeed, keyPair, parsePrivateKey } from './private-key.ts'

/** Signs as `ssh-keygen -Y sign` does: the answer is an armoured SSH signature with a final line feed. */
export type Signer = {
  /** `ssh-ed25519 AAAA…` */
  publicKey: string
  sign(payload: Uint8Array, namespace: string): Promise<string>
}

/**
 * Opens an unencrypted Ed25519 private key in OpenSSH's own format.
 * @throws Fault `CONFIG_INVALID` when the file is absent, readable by others, encrypted, or holds another kind of key.
 */
export async function openSigner(privateKeyFile: string): Promise<Signer> {
  const { text, mode } = await readKeyFile(privateKeyFile)
  if ((mode & 0o077) !== 0)
    throw invalid(
      privateKeyFile,
      `its mode is 0${(mode & 0o777).toString(8)}, so others may read it; run chmod 600 on it`,
    )
  return signerOf(parsePrivateKey(text, privateKeyFile))
}

/**
 * Writes a new key pair that ssh-keygen accepts: the private key at `file` (mode 0600, never over an existing file),
 * the public key beside it as `.pub`.
 */
export async function generateKeyPair(file: string, comment: string): Promise<Signer> {
  const seed = generateSeed()
  const signer = signerOf(seed)
  await writeNew(file, formatPrivateKey(seed, comment), 0o600)
  await writeNew(`${file}.pub`, `${signer.publicKey} ${comment}\n`, 0o644)
  return signer
}

function signerOf(seed: Buffer): Signer {
  const { key, blob } = keyPair(seed)
  return {
    publicKey: `ssh-ed25519 ${blob.toString('base64')}`,
    async sign(payload, namespace) {
      const signature = sign(null, signedMessage(namespace, 'sha512', payload), key)
      const signed = Buffer.concat([wireString('ssh-ed25519'), wireString(signature)])
      return formatSshsig(blob, namespace, 'sha512', signed)
    },
  }
}

async function readKeyFile(file: string): Promise<{ text: string; mode: number }> {
  try {
    const handle = await open(file, 'r')
    try {
      return { text: await handle.readFile('latin1'), mode: (await handle.stat()).mode }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `${file}: the private key cannot be read`, { cause: error })
  }
}

async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    const handle = await open(file, 'wx', mode)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `${file}: the key cannot be written; no key is ever overwritten`, {
      cause: error,
    })
  }
}

const invalid = (file: string, why: string) => new Fault('CONFIG_INVALID', `${file}: ${why}`)
