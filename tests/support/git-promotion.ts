import { formatCommit } from '../../runtime/git/commit-object.ts'
import { firstParents } from '../../runtime/git/history.ts'
import { openRepository } from '../../runtime/git/repository.ts'
import { formatTag } from '../../runtime/git/tag-object.ts'
import { patchTree } from '../../runtime/git/tree-files.ts'
import { readCommit } from '../../runtime/git/commit-graph.ts'

/** One promotion, as far as Git goes: a tag and a commit on `live`, in this order. Always the same bytes for one seq. */
export async function promoteOnce(gitdir: string): Promise<void> {
  const repository = await openRepository(gitdir)
  const live = await repository.readRef('refs/heads/live')
  const seq = live === null ? 0 : (await firstParents(repository, live, null, 1000)).length
  const before = live === null ? null : (await readCommit(repository, live)).tree
  const person = {
    name: 'controller',
    email: 'controller@example.org',
    timestamp: 1_700_000_000 + seq,
    timezone: '+0000',
  }
  const files = new Map(
    ['entry.json', 'tenants/aa/acme.json', 'bundles/faq/1.0.0.json'].map((path) => [
      path,
      Buffer.from(`${path} ${seq}\n`),
    ]),
  )
  const tree = await patchTree(repository, before, files)
  const parents = live === null ? [] : [live]
  const message = `promote ${seq}\n`
  const commit = await repository.write(
    'commit',
    formatCommit({ tree, parents, author: person, committer: person, message }),
  )
  const name = `bundles/faq/1.0.${seq}`
  const tag = await repository.write(
    'tag',
    formatTag({ object: commit, type: 'commit', tag: name, tagger: person, message }),
  )
  const tagged = await repository.readRef(`refs/tags/${name}`)
  if (tagged !== null && tagged !== tag) throw new Error(`${name}: expected ${tag}, found ${tagged}`)
  await repository.updateRefs([
    { ref: `refs/tags/${name}`, old: tagged, new: tag },
    { ref: 'refs/heads/live', old: live, new: commit },
  ])
  await repository.close()
}
