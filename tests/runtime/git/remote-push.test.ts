import { join } from 'node:path'
import { formatCommit } from '../../../runtime/git/commit-object.ts'
import { isAncestor } from '../../../runtime/git/history.ts'
import type { Repository } from '../../../runtime/git/repository.ts'
import { writeTree } from '../../../runtime/git/tree-files.ts'
import { describe, expect, it } from 'vitest'
import { faultReason } from '../../support/fault-reason.ts'
import { AUTHOR, fsck, git, opened, temporaryDirectory } from '../../support/raw-git.ts'
import { LIVE, FETCH, served, advance } from '../../support/served-registry.ts'

/** Another commit by way of the repository under test. */
async function commitOn(repository: Repository, parent: string | null, text: string): Promise<string> {
  const tree = await writeTree(repository, new Map([['f', Buffer.from(text)]]))
  const parents = parent === null ? [] : [parent]
  return repository.write(
    'commit',
    formatCommit({ tree, parents, author: AUTHOR, committer: AUTHOR, message: `${text}\n` }),
  )
}

describe('updateRefs', () => {
  it('pushes several refs with what they name in one request, and another mirror fetches it', async () => {
    const { gitdir, server, tip, url, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'one')
    server.requests.length = 0
    await repository.updateRefs([
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ])
    expect(server.requests.filter((request) => request.startsWith('POST'))).toHaveLength(1)
    expect(git(gitdir, 'rev-parse', 'live', 'bundles/faq/1.0.0')).toBe(`${next}\n${next}`)
    expect(await repository.readRef(LIVE)).toBe(next)
    expect(fsck(gitdir)).toBe('')
    const other = await opened(url, { mirror: join(temporaryDirectory(), 'mirror'), fetch: FETCH })
    await other.refresh()
    expect(await isAncestor(other, tip, (await other.readRef(LIVE)) ?? '')).toBe(true)
  })

  it('loses a race with a conflict and moves none of its refs (C13)', async () => {
    const { gitdir, tip, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'ours')
    const theirs = advance(gitdir)
    const updates = [
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(theirs)
    expect(git(gitdir, 'tag')).toBe('')
    expect(await repository.readRef('refs/tags/bundles/faq/1.0.0')).toBeNull()
  })

  it('loses a race that begins after it looked', async () => {
    const { gitdir, tip, server, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'ours')
    let theirs = ''
    server.before = (request) => {
      if (request.method === 'POST') theirs = advance(gitdir)
    }
    const updates = [
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(theirs)
    expect(git(gitdir, 'tag')).toBe('')
  })

  it('creates a tag only where there is none', async () => {
    const { gitdir, tip, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    git(gitdir, 'update-ref', 'refs/tags/bundles/faq/1.0.0', `${tip}~1`)
    const updates = [{ ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: tip }]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', 'bundles/faq/1.0.0')).toBe(git(gitdir, 'rev-parse', `${tip}~1`))
  })

  it('moves a ref back or to another history, and deletes it, where the old value is named', async () => {
    const { gitdir, tip, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const orphan = await commitOn(repository, null, 'heartbeat')
    await repository.updateRefs([{ ref: LIVE, old: tip, new: orphan }])
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(orphan)
    await repository.updateRefs([{ ref: LIVE, old: orphan, new: tip }])
    await repository.updateRefs([{ ref: LIVE, old: tip, new: null }])
    expect(git(gitdir, 'for-each-ref')).toBe('')
    expect(await repository.readRef(LIVE)).toBeNull()
  })

  it('is refused, not in conflict, where the server has a rule against it', async () => {
    const { gitdir, tip, open } = await served(3)
    git(gitdir, 'config', 'receive.denyNonFastForwards', 'true')
    const repository = await open()
    await repository.refresh()
    const orphan = await commitOn(repository, null, 'heartbeat')
    expect(await faultReason(() => repository.updateRefs([{ ref: LIVE, old: tip, new: orphan }]))).toBe(
      'REMOTE_REFUSED',
    )
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(tip)
    expect(await repository.readRef(LIVE)).toBe(tip)
  })

  it('says that it does not know where the connection broke, and the next refresh tells', async () => {
    const { gitdir, tip, server, open } = await served(3)
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'cut')
    server.fault = { on: '/git-receive-pack', kind: 'cut', at: 5 }
    expect(await faultReason(() => repository.updateRefs([{ ref: LIVE, old: tip, new: next }]))).toBe(
      'REMOTE_UNAVAILABLE',
    )
    expect(await repository.readRef(LIVE)).toBe(tip)
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(next)
    server.fault = null
    await repository.refresh()
    expect(await repository.readRef(LIVE)).toBe(next)
  })

  it('keeps the order given where the server cannot move all or none', async () => {
    const { gitdir, tip, server, open } = await served(3)
    git(gitdir, 'config', 'receive.advertiseAtomic', 'false')
    const repository = await open()
    await repository.refresh()
    const next = await commitOn(repository, tip, 'ours')
    server.before = (request) => {
      if (request.method === 'POST') git(gitdir, 'update-ref', 'refs/tags/bundles/faq/1.0.0', tip)
    }
    const updates = [
      { ref: 'refs/tags/bundles/faq/1.0.0', old: null, new: next },
      { ref: LIVE, old: tip, new: next },
    ]
    expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    expect(git(gitdir, 'rev-parse', LIVE)).toBe(tip)
  })

  it('lets exactly one of six rivals win each round (C13)', async () => {
    const { gitdir, tip, url } = await served(3)
    const rivals = await Promise.all(
      Array.from({ length: 6 }, () => opened(url, { mirror: join(temporaryDirectory(), 'mirror'), fetch: FETCH })),
    )
    let old = tip
    for (let round = 0; round < 2; round++) {
      await Promise.all(rivals.map((rival) => rival.refresh()))
      const nexts = await Promise.all(rivals.map((rival, i) => commitOn(rival, old, `${round} ${i}`)))
      const results = await Promise.all(
        rivals.map((rival, i) => faultReason(() => rival.updateRefs([{ ref: LIVE, old, new: nexts[i] ?? '' }]))),
      )
      expect(results.filter((reason) => reason === null)).toHaveLength(1)
      expect(results.filter((reason) => reason === 'REF_CONFLICT')).toHaveLength(5)
      old = nexts[results.indexOf(null)] ?? ''
      expect(git(gitdir, 'rev-parse', LIVE)).toBe(old)
    }
    expect(fsck(gitdir)).toBe('')
  })
})
