import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type Ran = { code: number; stdout: string; stderr: string }

/** Runs lines in a POSIX shell as a person pastes them; never throws for an exit code. */
export async function shell(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  try {
    const { stdout, stderr } = await run('bash', ['-c', script], { cwd, env, maxBuffer: 64 * 1024 * 1024 })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string }
    return { code: typeof code === 'number' ? code : -1, stdout, stderr }
  }
}

/** Standard output of lines that must succeed. */
export async function mustRun(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout, stderr } = await shell(script, cwd, env)
  if (code === 0) return stdout
  throw new Error(`"${script}" ended with ${code}\n${stdout}\n${stderr}`)
}
