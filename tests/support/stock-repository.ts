import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestRegistry } from './test-registry.ts'

const run = promisify(execFile)

/** An allowed_signers file with the keys of the controller and of its heartbeat, and nobody else's. Answers its path. */
export async function writeSigners({ folder, signer, heartbeatSigner }: TestRegistry): Promise<string> {
  const path = join(folder, 'controller_signers')
  const lines = [signer, heartbeatSigner].map(({ publicKey }) => `controller namespaces="git" ${publicKey}\n`)
  await writeFile(path, lines.join(''))
  return path
}

/** Stock git on the bare repository, believing only the controller's keys. */
export async function stockGit(registry: TestRegistry): Promise<(...args: string[]) => Promise<string>> {
  const { folder, location } = registry
  const signers = await writeSigners(registry)
  const trust = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${signers}`]
  return async (...args) => {
    const { stdout } = await run('git', ['-C', location, ...trust, ...args], {
      env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    })
    return stdout.trim()
  }
}
