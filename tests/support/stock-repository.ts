import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestRegistry } from './test-registry.ts'

const run = promisify(execFile)

/** Stock git on the bare repository, believing only the controller's key. */
export async function stockGit({
  folder,
  location,
  signer,
}: TestRegistry): Promise<(...args: string[]) => Promise<string>> {
  const signers = join(folder, 'controller_signers')
  await writeFile(signers, `controller namespaces="git" ${signer.publicKey}\n`)
  const trust = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${signers}`]
  return async (...args) => {
    const { stdout } = await run('git', ['-C', location, ...trust, ...args], {
      env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    })
    return stdout.trim()
  }
}
