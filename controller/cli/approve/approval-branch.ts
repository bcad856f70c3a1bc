import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Fault } from '../../../schemas/fault.ts'
import type { Clone } from '../clone/clone.ts'

export type ApprovalCommit = {
  branch: string
  /** Where the branch begins, unless it is on origin already. */
  start: string
  /** Texts by path. */
  files: ReadonlyMap<string, string>
  message: string
  push: boolean
}

/** The branch of an approval. Ids of people and numbers are all that may stand in its name. */
export const approvalBranch = (what: string, principal: string): string => `approve/${what}-${principal}`

/**
 * Commits signature files on a branch of their own, as the user and signed where their git signs, and pushes it to
 * origin. The work tree and the index of the clone stay as they are.
 * @throws Fault `USAGE` where nothing is new, or origin does not take the branch
 */
export async function commitApproval(clone: Clone, { branch, start, files, message, push }: ApprovalCommit) {
  const theirs = push ? await fetched(clone, `refs/heads/${branch}`, `refs/remotes/origin/${branch}`) : null
  const folder = await mkdtemp(join(tmpdir(), 'contractor-approval-'))
  const git = (...args: string[]) => clone.git('-C', folder, ...args)
  try {
    await clone.git('worktree', 'add', '--quiet', '--no-checkout', '--detach', folder, theirs ?? start)
    await git('read-tree', 'HEAD')
    for (const [path, text] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    await git('add', '--force', '--', ...files.keys())
    if ((await git('diff', '--cached', '--name-only')) === '')
      throw new Fault('USAGE', `There is nothing to change: ${branch} already holds these approvals.`)
    // Hooks of the clone judge a work tree, and this one has nothing but the signatures.
    await git('commit', '--quiet', '--no-verify', '-m', message)
    const commit = await git('rev-parse', 'HEAD')
    await clone.git('branch', '--force', branch, commit)
    if (push) await clone.git('push', '--quiet', 'origin', `${commit}:refs/heads/${branch}`)
    return commit
  } finally {
    await clone.git('worktree', 'remove', '--force', folder).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Fetches one ref of origin; null where there is none. @throws Fault `REMOTE_UNAVAILABLE` */
export async function fetched(clone: Clone, ref: string, into: string): Promise<string | null> {
  try {
    await clone.git('fetch', '--quiet', '--no-tags', 'origin', `+${ref}:${into}`)
  } catch (error) {
    if (!(error instanceof Fault) || error.reason !== 'USAGE') throw error
    if (/couldn't find remote ref/i.test(error.message)) return null
    throw new Fault('REMOTE_UNAVAILABLE', `origin could not be asked: ${error.message}`, { cause: error })
  }
  return clone.git('rev-parse', '--verify', `${into}^{commit}`)
}
