import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { principalFor } from '../../../runtime/trust/allowed-signers.ts'
import { principalOf } from '../../../runtime/trust/approvals.ts'
import { verifySshsig } from '../../../runtime/trust/sshsig.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Clone } from '../clone/clone.ts'
import { optionText, type Call } from '../command.ts'

export const KEY_OPTION = [
  '--key <file>',
  'SSH key to sign with, private or (with an agent) public (default: git config user.signingkey)',
] as const

/**
 * Signs an approval with the key of this call, and says whose it is.
 * @throws Fault `ROLE_MISSING` where the approval would not count
 */
export async function signApproval(
  call: Call,
  clone: Clone,
  state: LedgerState,
  statement: string,
): Promise<{ signature: string; principal: string }> {
  const namespace = 'contractor-approval'
  const signature = await signWithSshKeygen(statement, namespace, await signingKey(call, clone))
  const { key } = verifySshsig({ payload: Buffer.from(statement), signature, namespace })
  return { signature, principal: requirePrincipal(state, key) }
}

/** Id of the principal whose key it is; the line of `allowed_signers` may name an e-mail address instead. */
function requirePrincipal({ signers, roles }: LedgerState, key: string): string {
  const signer = principalFor(signers, key, 'contractor-approval', new Date())
  const principal = signer === null ? null : principalOf(roles, signer)
  if (principal !== null) return principal.id
  const where = signer === null ? 'governance/allowed_signers' : 'governance/roles.yaml'
  throw new Fault('ROLE_MISSING', `The key is nobody's in the ${where} in force, so the approval would not count.`)
}

async function signingKey(call: Call, clone: Clone): Promise<string> {
  const named = optionText(call, 'key') ?? (await clone.git('config', '--default', '', '--get', 'user.signingkey'))
  if (named !== '') return resolve(call.cwd, named)
  throw new Fault('USAGE', 'Name the SSH key to sign with: --key <file>, or git config user.signingkey.')
}

/** Signs with `ssh-keygen -Y sign`, so that keys in an agent and on hardware work as they do for git. */
export async function signWithSshKeygen(statement: string, namespace: string, key: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'contractor-approve-'))
  try {
    const file = join(folder, 'statement')
    await writeFile(file, statement)
    await promisify(execFile)('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', key, file])
    return await readFile(`${file}.sig`, 'utf8')
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT')
      throw new Fault('CONFIG_INVALID', 'Signing needs `ssh-keygen` of OpenSSH, and it was not found on the PATH.')
    throw new Fault('USAGE', `ssh-keygen could not sign with ${key}: ${(stderr ?? '').trim()}`)
  } finally {
    await rm(folder, { recursive: true })
  }
}
