import { describe, expect, it } from 'vitest'
import { entryAt, listFiles, patchTree, subtree, writeTree } from '../../../runtime/git/tree-files.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { bareRepository, fsck, git, putLoose, treeEntry, opened } from '../../support/raw-git.ts'

const bytes = (files: Record<string, string | null>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, text === null ? null : Buffer.from(text)]))
const written = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))

async function repository() {
  const gitdir = await bareRepository()
  return { gitdir, repository: await opened(gitdir) }
}

describe('writeTree and patchTree', () => {
  it('writes the tree that stock git lists', async () => {
    const { gitdir, repository: to } = await repository()
    const tree = await writeTree(to, written({ 'a/b/c.txt': 'c', 'a/b.txt': 'b', 'z.txt': 'z' }))
    expect(git(gitdir, 'ls-tree', '-r', '--name-only', tree).split('\n')).toEqual(['a/b.txt', 'a/b/c.txt', 'z.txt'])
    expect(fsck(gitdir)).not.toMatch(/error/)
  })

  it('changes, adds and removes, and lets an empty directory go', async () => {
    const { repository: to } = await repository()
    const base = await writeTree(to, written({ 'a/b/c.txt': 'c', 'a/d.txt': 'd', 'z.txt': 'z' }))
    const tree = await patchTree(
      to,
      base,
      bytes({ 'a/b/c.txt': null, 'a/d.txt': 'D', 'n/e/w.txt': 'w', 'absent/x': null }),
    )
    expect([...(await listFiles(to, tree)).keys()]).toEqual(['a/d.txt', 'n/e/w.txt', 'z.txt'])
    expect((await to.read((await entryAt(to, tree, 'a/d.txt'))?.oid ?? '', 'blob')).toString()).toBe('D')
  })

  it('gives the tree of nothing when everything is removed', async () => {
    const { repository: to } = await repository()
    const base = await writeTree(to, written({ 'a/b': 'c' }))
    expect(await patchTree(to, base, bytes({ 'a/b': null }))).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904')
  })

  it('reads only the directories that it touches', async () => {
    const { repository: to } = await repository()
    const base = await writeTree(to, written({ 'a/x': '1', 'b/y': '2', 'c/z': '3' }))
    let trees = 0
    const counting = { ...to, read: (...args: Parameters<typeof to.read>) => (trees++, to.read(...args)) }
    await patchTree(counting, base, bytes({ 'a/x': '4' }))
    expect(trees).toBe(2)
  })

  it('refuses a path that is a file and a directory', async () => {
    const { repository: to } = await repository()
    expect(await faultReason(() => writeTree(to, written({ a: '1', 'a/b': '2' })))).toBe('PATH_INVALID')
    expect(await faultReason(() => writeTree(to, written({ '../a': '1' })))).toBe('PATH_INVALID')
  })
})

describe('listFiles', () => {
  it('stops at a tree that holds itself ten times on ten levels (A14)', async () => {
    const { gitdir, repository: from } = await repository()
    let tree = putLoose(gitdir, 'tree', treeEntry('100644', 'x', putLoose(gitdir, 'blob', 'x')))
    for (let level = 0; level < 10; level++) {
      tree = putLoose(
        gitdir,
        'tree',
        Buffer.concat('0123456789'.split('').map((name) => treeEntry('40000', name, tree))),
      )
    }
    expect(await faultReason(() => listFiles(from, tree, { depth: 12, entries: 2000 }))).toBe('FILE_TOO_LARGE')
  })

  it('stops at a depth (A15)', async () => {
    const { gitdir, repository: from } = await repository()
    let tree = putLoose(gitdir, 'tree', treeEntry('100644', 'x', putLoose(gitdir, 'blob', 'x')))
    for (let level = 0; level < 300; level++) tree = putLoose(gitdir, 'tree', treeEntry('40000', 'd', tree))
    expect(await faultReason(() => listFiles(from, tree, { depth: 12, entries: 2000 }))).toBe('PATH_INVALID')
  })

  it('stops at a number of entries before it reads one blob (A16)', async () => {
    const { gitdir, repository: from } = await repository()
    const names = Array.from({ length: 3000 }, (_, i) =>
      treeEntry('100644', `f${String(i).padStart(5, '0')}`, 'a'.repeat(40)),
    )
    const tree = putLoose(gitdir, 'tree', Buffer.concat(names))
    expect(await faultReason(() => listFiles(from, tree, { depth: 12, entries: 2000 }))).toBe('FILE_TOO_LARGE')
  })

  it('names links and submodules with their modes, for the caller to judge (A08, A09)', async () => {
    const { gitdir, repository: from } = await repository()
    const blob = putLoose(gitdir, 'blob', '../../etc/passwd')
    const tree = putLoose(
      gitdir,
      'tree',
      Buffer.concat([treeEntry('120000', 'link', blob), treeEntry('160000', 'sub', blob)]),
    )
    expect([...(await listFiles(from, tree)).values()].map(({ mode }) => mode)).toEqual(['120000', '160000'])
  })
})

describe('subtree', () => {
  it('gives the entries of a directory, and null for a file or nothing', async () => {
    const { repository: from } = await repository()
    const tree = await writeTree(from, written({ 'a/b/c': '1', 'a/b/d': '2' }))
    expect((await subtree(from, tree, 'a/b'))?.map(({ name }) => name)).toEqual(['c', 'd'])
    expect(await subtree(from, tree, 'a/b/c')).toBeNull()
    expect(await subtree(from, tree, 'a/x')).toBeNull()
    expect((await subtree(from, tree, ''))?.map(({ name }) => name)).toEqual(['a'])
  })
})
