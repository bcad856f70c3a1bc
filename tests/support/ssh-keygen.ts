import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'contractor-'))

export type StockKey = { file: string; publicKey: string }

/** A key that stock ssh-keygen made. */
export async function stockKey(type: string, options: { bits?: number; passphrase?: string } = {}): Promise<StockKey> {
  const file = join(await temporaryFolder(), 'key')
  const bits = options.bits === undefined ? [] : ['-b', String(options.bits)]
  await run('ssh-keygen', ['-q', '-t', type, ...bits, '-N', options.passphrase ?? '', '-C', 'stock', '-f', file])
  const [kind, base64] = (await readFile(`${file}.pub`, 'utf8')).split(' ')
  return { file, publicKey: `${kind} ${base64}` }
}

/** `ssh-keygen -Y sign` */
export async function stockSign(
  keyFile: string,
  payload: string | Uint8Array,
  namespace: string,
  options: string[] = [],
): Promise<string> {
  const message = join(await temporaryFolder(), 'message')
  await writeFile(message, payload)
  await run('ssh-keygen', ['-q', '-Y', 'sign', '-f', keyFile, '-n', namespace, ...options, message])
  return readFile(`${message}.sig`, 'utf8')
}

/** `ssh-keygen -Y verify`: whether it accepts the signature for this principal of an allowed_signers file. */
export async function stockVerify(checked: {
  allowedSigners: string
  principal: string
  namespace: string
  signature: string
  payload: string | Uint8Array
}): Promise<boolean> {
  const folder = await temporaryFolder()
  const [signers, signature] = [join(folder, 'signers'), join(folder, 'signature')]
  await writeFile(signers, checked.allowedSigners)
  await writeFile(signature, checked.signature)
  const options = ['-f', signers, '-I', checked.principal, '-n', checked.namespace, '-s', signature]
  const child = run('ssh-keygen', ['-Y', 'verify', ...options])
  child.child.stdin?.end(checked.payload)
  return child.then(
    () => true,
    () => false,
  )
}

/** Stock ssh-keygen's answer on standard output. */
export async function sshKeygen(...args: string[]): Promise<string> {
  return (await run('ssh-keygen', args)).stdout
}
