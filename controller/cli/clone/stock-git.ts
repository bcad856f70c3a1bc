import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Fault } from '../../../schemas/fault.ts'
import type { Clone } from './clone.ts'

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

/** The commit that a revision names. @throws Fault `USAGE` where git knows no such revision */
export async function commitNamed(clone: Pick<Clone, 'git'>, revision: string): Promise<string> {
  return clone.git('rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`).catch((error: unknown) => {
    if (!(error instanceof Fault) || error.reason !== 'USAGE') throw error
    const message = `This clone knows no commit "${revision}". Name a branch, a tag or a commit; \`git fetch\` gets those of origin.`
    throw new Fault('USAGE', message, { cause: error })
  })
}

function faultOf(error: unknown, args: readonly string[]): Fault {
  const { code, stderr } = error as { code?: unknown; stderr?: string }
  if (code === 'ENOENT')
    return new Fault('CONFIG_INVALID', 'This command needs git, and no `git` was found on the PATH. Install git.')
  if (/unable to auto-detect email address|empty ident name/i.test(stderr ?? ''))
    return new Fault(
      'USAGE',
      'git does not know who you are, so nothing was committed. Set git config user.name and user.email.',
    )
  const words = (stderr ?? '').trim().split('\n').slice(-3).join(' ')
  return new Fault('USAGE', `git ${args[0]} failed: ${words === '' ? String(error) : words}`)
}
