import { describe, expect, it } from 'vitest'
import { commitsTouching, firstParents, isAncestor } from '../../../runtime/git/history.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { bareRepository, git, importCommits, putCommit, putFiles, putLoose, opened } from '../../support/raw-git.ts'

describe('isAncestor and firstParents', () => {
  it('follow the graph and stop where they are told', async () => {
    const gitdir = await bareRepository()
    const tree = putLoose(gitdir, 'tree', '')
    const a = putCommit(gitdir, tree)
    const b = putCommit(gitdir, tree, [a], 'b\n')
    const side = putCommit(gitdir, tree, [a], 'side\n')
    const merge = putCommit(gitdir, tree, [b, side], 'merge\n')
    const repository = await opened(gitdir)
    expect(await isAncestor(repository, side, merge)).toBe(true)
    expect(await isAncestor(repository, merge, merge)).toBe(true)
    expect(await isAncestor(repository, side, b)).toBe(false)
    expect(await firstParents(repository, merge, null, 10)).toEqual([merge, b, a])
    expect(await firstParents(repository, merge, a, 10)).toEqual([merge, b])
    expect(await firstParents(repository, merge, null, 2)).toEqual([merge, b])
  })

  it('says which commit is missing, instead of ending the walk', async () => {
    const gitdir = await bareRepository()
    const tip = putCommit(gitdir, putLoose(gitdir, 'tree', ''), ['e'.repeat(40)])
    const repository = await opened(gitdir)
    expect(await faultReason(() => firstParents(repository, tip, null, 10))).toBe('OBJECT_MISSING')
    expect(await faultReason(() => isAncestor(repository, 'f'.repeat(40), tip))).toBe('OBJECT_MISSING')
  })

  it('hold their memory while they walk 10,000 commits', async () => {
    const gitdir = await bareRepository()
    const tip = importCommits(gitdir, 'refs/heads/live', 10_000)
    const root = git(gitdir, 'rev-list', '--max-parents=0', tip)
    const repository = await opened(gitdir)
    const before = process.memoryUsage().rss
    expect(await isAncestor(repository, root, tip)).toBe(true)
    expect(await firstParents(repository, tip, null, 20_000)).toHaveLength(10_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024)
  })
})

describe('commitsTouching', () => {
  it('finds the commits of every parent that changed the path, and a merge only where it differs from all', async () => {
    const gitdir = await bareRepository()
    const base = putFiles(gitdir, { a: '1', b: '1' })
    const other = putFiles(gitdir, { a: '1', b: '2' }, [base])
    const left = putFiles(gitdir, { a: '2', b: '1' }, [base])
    const plain = putFiles(gitdir, { a: '2', b: '2' }, [other, left])
    const repository = await opened(gitdir)
    const touching = async (tip: string, exclude: string | null) =>
      (await commitsTouching(repository, 'a', tip, exclude)).map(({ oid }) => oid)
    expect(await touching(plain, null)).toEqual([left, base])
    expect(await touching(plain, base)).toEqual([left])
    expect(await touching(plain, plain)).toEqual([])
    const evil = putFiles(gitdir, { a: 'evil', b: '2' }, [other, left])
    expect(await touching(evil, base)).toEqual([evil, left])
  })

  it('counts the removal of the path', async () => {
    const gitdir = await bareRepository()
    const base = putFiles(gitdir, { a: '1' })
    const removed = putFiles(gitdir, { b: '1' }, [base])
    const found = await commitsTouching(await opened(gitdir), 'a', removed, base)
    expect(found.map(({ oid }) => oid)).toEqual([removed])
  })
})
