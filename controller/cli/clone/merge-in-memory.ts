import { formatCommit, parseCommit, type Person } from '../../../runtime/git/commit-object.ts'
import type { ObjectReader, ObjectWriter } from '../../../runtime/git/object-reader.ts'
import { patchTree } from '../../../runtime/git/tree-files.ts'
import type { Clone } from './clone.ts'
import { overlayObjects } from './overlay-objects.ts'
import { commitNamed } from './stock-git.ts'
import { REGISTRY_PATHS } from './work-tree.ts'

/** What `main` would hold after the merge of what stands in the work tree. None of it is written to the clone. */
export type Merged = {
  objects: ObjectReader & ObjectWriter
  /** Oid of the merge. */
  tip: string
  /** Oid of the base; null where everything is looked at. */
  base: string | null
  /** Paths that the branch and the work tree change since they left the base; null for all. */
  changed: ReadonlySet<string> | null
}

/**
 * Merges file by file: what the branch changes as it stands in the work tree, everything else as it is at the base.
 * @throws Fault `USAGE` where git does not know the base, or the clone is too shallow to know where the branch left it
 */
export async function mergeInMemory(
  clone: Clone,
  files: ReadonlyMap<string, Buffer>,
  baseName: string | undefined,
  now: Date,
): Promise<Merged> {
  const objects = overlayObjects(clone.repository)
  const [head, base, person] = await Promise.all([
    clone.git('rev-parse', '--verify', 'HEAD^{commit}'),
    baseName === undefined ? null : commitNamed(clone, baseName),
    personOf(clone, now),
  ])
  const fork = base === null ? head : await clone.git('merge-base', base, head)
  const changed = await changedPaths(clone, fork)
  const onto = parseCommit(await objects.read(base ?? head, 'commit')).tree
  const changes = new Map([...changed].map((path) => [path, files.get(path) ?? null]))
  const tree = await patchTree(objects, onto, changes)
  const parents = [...new Set([base ?? head, head])]
  const merge = formatCommit({ tree, parents, author: person, committer: person, message: 'merge\n' })
  return { objects, tip: await objects.write('commit', merge), base, changed: base === null ? null : changed }
}

async function changedPaths(clone: Clone, since: string): Promise<Set<string>> {
  const [tracked, untracked] = await Promise.all([
    clone.git('diff', '--name-only', '--no-renames', '-z', since, '--', ...REGISTRY_PATHS),
    clone.git('ls-files', '-z', '--others', '--exclude-standard', '--', ...REGISTRY_PATHS),
  ])
  return new Set([...tracked.split('\0'), ...untracked.split('\0')].filter((path) => path !== ''))
}

/** Who would be the author of what is not committed yet. */
async function personOf(clone: Clone, now: Date): Promise<Person> {
  const config = (name: string) => clone.git('config', '--default', '', '--get', name)
  const [name, email] = await Promise.all([config('user.name'), config('user.email')])
  return {
    name: name || 'unknown',
    email: email || 'unknown',
    timestamp: Math.floor(now.getTime() / 1000),
    timezone: '+0000',
  }
}
