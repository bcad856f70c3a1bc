import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Fault } from '../../../schemas/fault.ts'

const run = promisify(execFile)

/**
 * Runs the engineer's own git in their own clone, with their identity, hooks and credentials: what edits a clone is
 * done the way they would do it by hand. Standard output without the last line feed.
 * @throws Fault `CONFIG_INVALID` where git is not installed; `USAGE` where git refuses, with git's words.
 */
export async function stockGit(clone: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await run('git', ['-C', clone, ...args], {
      maxBuffer: 64 * 1024 * 1024,
      env: { ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
    })
    return stdout.replace(/\n$/, '')
  } catch (error) {
    throw faultOf(error, args)
  }
}

function faultOf(error: unknown, args: readonly string[]): Fault {
  const { code, stderr } = error as { code?: unknown; stderr?: string }
  if (code === 'ENOENT')
    return new Fault('CONFIG_INVALID', 'This command needs git, and no `git` was found on the PATH. Install git.')
  const words = (stderr ?? '').trim().split('\n').slice(-3).join(' ')
  return new Fault('USAGE', `git ${args[0]} failed: ${words === '' ? String(error) : words}`)
}
