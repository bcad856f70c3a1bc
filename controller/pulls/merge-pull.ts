import { formatCommit, type Person } from '../../runtime/git/commit-object.ts'
import { readCommit } from '../../runtime/git/history.ts'
import { mergeBase } from '../../runtime/git/merge-base.ts'
import type { ObjectReader, ObjectWriter } from '../../runtime/git/object-reader.ts'
import { diffTrees } from '../../runtime/git/tree-diff.ts'
import { entryAt, listFiles } from '../../runtime/git/tree-files.ts'
import { mergeTrees } from '../../runtime/git/tree-merge.ts'
import { DIRECTORY, FILE } from '../../runtime/git/tree.ts'
import { Fault } from '../../schemas/fault.ts'

/** What `main` would hold after the merge of a pull request; the same as an author's check calls `Merged`. */
export type MergedPull = {
  objects: ObjectReader & ObjectWriter
  tip: string
  base: string
  changed: ReadonlySet<string>
}

const NOBODY: Omit<Person, 'timestamp'> = { name: 'merge', email: 'merge@invalid', timezone: '+0000' }

/**
 * Merges the head of a pull request into `main`, in memory; null where `main` has all of it.
 * @throws Fault `PULL_UNRELATED` where they share no commit; faults of Git for trees that are none
 */
export async function mergePull(
  objects: ObjectReader & ObjectWriter,
  { main, head, now }: { main: string; head: string; now: Date },
): Promise<MergedPull | null> {
  const fork = await mergeBase(objects, main, head)
  if (fork === null) throw new Fault('PULL_UNRELATED', `${head} and main at ${main} have no commit in common`)
  if (fork === head) return null
  const treeOf = async (oid: string) => (await readCommit(objects, oid)).tree
  const [base, ours, theirs] = [await treeOf(fork), await treeOf(main), await treeOf(head)]
  const changes = await diffTrees(objects, base, theirs)
  const person = { ...NOBODY, timestamp: Math.floor(now.getTime() / 1000) }
  const tree = await mergeTrees(objects, { base, ours, theirs })
  const commit = formatCommit({ tree, parents: [main, head], author: person, committer: person, message: 'merge\n' })
  return {
    objects,
    tip: await objects.write('commit', commit),
    base: main,
    changed: new Set(changes.map(({ path }) => path)),
  }
}

/** A file that is larger cannot be one of the registry. */
const MAX_FILE_BYTES = 1024 * 1024

/** Files of the registry outside bundles, of the tenants that the pull request changes. */
export async function filesOfMerge({ objects, tip, changed }: MergedPull): Promise<Map<string, Buffer>> {
  const { tree } = await readCommit(objects, tip)
  const tenants = new Set([...changed].flatMap((path) => /^tenants\/[^/]+(?=\/)/.exec(path) ?? []))
  const files = new Map<string, Buffer>()
  for (const path of ['registry.yaml', 'governance', ...tenants]) {
    const entry = await entryAt(objects, tree, path)
    if (entry === null) continue
    const below = entry.mode === DIRECTORY ? await listFiles(objects, entry.oid) : new Map([['', entry]])
    for (const [name, { oid, mode }] of below) {
      const body = mode === FILE ? await readSmall(objects, oid) : null
      if (body !== null) files.set(name === '' ? path : `${path}/${name}`, body)
    }
  }
  return files
}

async function readSmall(objects: ObjectReader, oid: string): Promise<Buffer | null> {
  try {
    return await objects.read(oid, 'blob', MAX_FILE_BYTES)
  } catch (error) {
    if (error instanceof Fault && error.reason === 'OBJECT_TOO_LARGE') return null
    throw error
  }
}
