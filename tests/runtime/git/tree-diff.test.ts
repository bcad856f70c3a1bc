import { expect, it } from 'vitest'
import { diffTrees } from '../../../runtime/git/tree-diff.ts'
import { writeTree } from '../../../runtime/git/tree-files.ts'
import { bareRepository, git, putLoose, treeEntry, opened } from '../../support/raw-git.ts'

const written = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]))

async function twoTrees(a: Record<string, string>, b: Record<string, string>) {
  const gitdir = await bareRepository()
  const repository = await opened(gitdir)
  return { gitdir, repository, a: await writeTree(repository, written(a)), b: await writeTree(repository, written(b)) }
}

it('finds what stock git finds', async () => {
  const { gitdir, repository, a, b } = await twoTrees(
    { 'a/1': 'x', 'a/2': 'y', 'b/c/d': 'z', e: 'file', 'same/x': 'x' },
    { 'a/1': 'X', 'a/3': 'n', 'b/c/d': 'z', 'e/f': 'directory', 'same/x': 'x' },
  )
  const ours = (await diffTrees(repository, a, b)).map(
    ({ path, before, after }) => `${before ?? '-'} ${after ?? '-'} ${path}`,
  )
  const theirs = git(gitdir, 'diff-tree', '-r', '--no-renames', a, b)
    .split('\n')
    .map((line) => /^\S+ \S+ (\S+) (\S+) \S+\t(.*)$/.exec(line)?.slice(1, 4).join(' ').replaceAll(/0{40}/g, '-'))
  expect(new Set(ours)).toEqual(new Set(theirs))
})

it('takes null for the empty tree', async () => {
  const { repository, a } = await twoTrees({ 'a/1': 'x' }, {})
  expect((await diffTrees(repository, null, a)).map(({ path, before }) => [path, before])).toEqual([['a/1', null]])
  expect((await diffTrees(repository, a, null)).map(({ path, after }) => [path, after])).toEqual([['a/1', null]])
  expect(await diffTrees(repository, a, a)).toEqual([])
})

it('lists a file whose mode alone changed', async () => {
  const gitdir = await bareRepository()
  const repository = await opened(gitdir)
  const blob = putLoose(gitdir, 'blob', 'x')
  const [plain, executable] = ['100644', '100755'].map((mode) => putLoose(gitdir, 'tree', treeEntry(mode, 'run', blob)))
  expect(await diffTrees(repository, plain ?? null, executable ?? null)).toEqual([
    { path: 'run', before: blob, after: blob, mode: '100755' },
  ])
})

it('reads nothing of a directory that is equal in both, and every other tree once', async () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`d${i % 20}/f${i}`, String(i)]))
  const { repository, a, b } = await twoTrees(many, { ...many, 'd7/f7': 'changed' })
  let reads = 0
  const counting = { read: (...args: Parameters<typeof repository.read>) => (reads++, repository.read(...args)) }
  expect((await diffTrees(counting, a, b)).map(({ path }) => path)).toEqual(['d7/f7'])
  expect(reads).toBe(4)
})
