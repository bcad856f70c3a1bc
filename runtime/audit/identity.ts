import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { replaceFile, syncFolder } from './durable-file.ts'
import { formatVerifier, signerFromSeed, verifierOf, type NoteSigner } from './note.ts'

/** Who a log is: made once, kept in its folder. */
export type LogIdentity = {
  /** `<registry>/<node>/<worker>/<log-id>` */
  origin: string
  signer: NoteSigner
  /** What commitments are keyed with; 32 bytes. */
  secret: Buffer
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function readKey(path: string): Promise<Buffer> {
  const text = await readIfThere(path)
  const key = Buffer.from(text?.trim() ?? '', 'hex')
  if (key.length === 32) return key
  throw new Fault('AUDIT_BROKEN', `${path}: expected 64 hex digits; restore the audit folder from a copy`)
}

/** @returns null in a folder that no log was made in. @throws Fault `AUDIT_BROKEN` when a part of it is missing. */
export async function readIdentity(dir: string): Promise<LogIdentity | null> {
  const text = await readIfThere(join(dir, 'log.json'))
  if (text === null) return null
  let origin: unknown
  try {
    origin = (JSON.parse(text) as { origin?: unknown }).origin
  } catch (error) {
    throw new Fault('AUDIT_BROKEN', `${join(dir, 'log.json')} is not JSON; restore the audit folder from a copy`, {
      cause: error,
    })
  }
  if (typeof origin !== 'string' || !/^[^\s+]{1,300}$/.test(origin)) {
    throw new Fault(
      'AUDIT_BROKEN',
      `${join(dir, 'log.json')}: expected an origin; restore the audit folder from a copy`,
    )
  }
  const seed = await readKey(join(dir, 'keys', 'checkpoint.key'))
  return { origin, signer: signerFromSeed(origin, seed), secret: await readKey(join(dir, 'keys', 'commitment.key')) }
}

/** Makes the keys and the name of a new log. `commit` writes `log.json`, after which the log exists. */
export async function createIdentity(
  dir: string,
  name: { registry: string; node: string; worker: string },
): Promise<{ identity: LogIdentity; commit: () => Promise<void> }> {
  const origin = `${name.registry}/${name.node}/${name.worker}/${randomBytes(8).toString('hex')}`
  const [seed, secret] = [randomBytes(32), randomBytes(32)]
  await replaceFile(join(dir, 'keys', 'checkpoint.key'), `${seed.toString('hex')}\n`, 0o600)
  await replaceFile(join(dir, 'keys', 'commitment.key'), `${secret.toString('hex')}\n`, 0o600)
  await syncFolder(join(dir, 'keys'))
  const signer = signerFromSeed(origin, seed)
  const commit = async () => {
    const text = JSON.stringify({ v: 1, origin, verifier: formatVerifier(verifierOf(signer)) }, null, 2)
    await replaceFile(join(dir, 'log.json'), `${text}\n`)
    await syncFolder(dir)
  }
  return { identity: { origin, signer, secret }, commit }
}
