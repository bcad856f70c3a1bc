import { Fault } from '../../../schemas/fault.ts'
import type { Clone } from './clone.ts'

export const BRANCH_OPTION = [
  '--branch <name>',
  'the branch to commit on (default: a new one when on main, else the current one)',
] as const

/**
 * Puts the work on a branch, never on `main`: the named one, a new one where `main` is checked out, else the current one.
 * @throws Fault `USAGE` where files that the command would change have uncommitted changes, or git has no identity to
 *   commit with
 */
export async function enterBranch(
  clone: Clone,
  paths: readonly string[],
  named: string | undefined,
  proposed: string,
): Promise<string> {
  const dirty = await clone.git('status', '--porcelain', '--', ...paths)
  if (dirty !== '')
    throw new Fault('USAGE', `These files have uncommitted changes; commit or restore them first:\n${dirty}`)
  await clone.git('var', 'GIT_COMMITTER_IDENT')
  const current = await clone.git('symbolic-ref', '--short', 'HEAD')
  const branch = named ?? (current === 'main' ? proposed : current)
  if (branch === current) return branch
  const exists = (await clone.git('branch', '--list', branch)) !== ''
  await clone.git('switch', '--quiet', ...(exists ? [branch] : ['--create', branch]))
  return branch
}

/** Commits exactly these paths. @throws Fault `USAGE` where nothing changed */
export async function commitPaths(clone: Clone, paths: readonly string[], message: string): Promise<string> {
  await clone.git('add', '--', ...paths)
  const changed = await clone.git('diff', '--cached', '--name-only', '--', ...paths)
  if (changed === '') throw new Fault('USAGE', 'There is nothing to change: the files already say so.')
  await clone.git('commit', '--quiet', '-m', message, '--', ...paths)
  return clone.git('rev-parse', 'HEAD')
}
