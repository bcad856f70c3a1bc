import { expect, it } from 'vitest'
import { mergeTrees } from '../../../runtime/git/tree-merge.ts'
import { writeTree } from '../../../runtime/git/tree-files.ts'
import { bareRepository, git, opened, putLoose, treeEntry } from '../../support/raw-git.ts'

type Files = Record<string, string>

async function merged(base: Files, ours: Files, theirs: Files): Promise<Files> {
  const gitdir = await bareRepository()
  const repository = await opened(gitdir)
  const write = (files: Files) =>
    writeTree(repository, new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])))
  const trees = { base: await write(base), ours: await write(ours), theirs: await write(theirs) }
  const tree = await mergeTrees(repository, trees)
  const paths = git(gitdir, 'ls-tree', '-r', '--name-only', tree)
    .split('\n')
    .filter((path) => path !== '')
  return Object.fromEntries(paths.map((path) => [path, git(gitdir, 'cat-file', 'blob', `${tree}:${path}`)]))
}

const BASE = { 'a/1': 'x', 'a/2': 'y', 'b/c/d': 'z', e: 'e' }

it('takes what each side changed', async () => {
  expect(await merged(BASE, { ...BASE, 'a/1': 'ours' }, { ...BASE, 'a/2': 'theirs', new: 'n' })).toEqual({
    ...BASE,
    'a/1': 'ours',
    'a/2': 'theirs',
    new: 'n',
  })
})

it('takes a file that both changed as the branch has it', async () => {
  expect(await merged(BASE, { ...BASE, e: 'ours' }, { ...BASE, e: 'theirs' })).toEqual({ ...BASE, e: 'theirs' })
})

it('keeps removals of either side, and leaves no empty directory', async () => {
  const { 'b/c/d': _removed, ...ours } = BASE
  const { e: _other, ...theirs } = BASE
  expect(await merged(BASE, ours, theirs)).toEqual({ 'a/1': 'x', 'a/2': 'y' })
})

it('takes a file in the place of a directory, and the other way round', async () => {
  const { 'b/c/d': _removed, ...rest } = BASE
  expect(await merged(BASE, { ...BASE, 'a/1': 'ours' }, { ...rest, b: 'file' })).toEqual({
    ...rest,
    'a/1': 'ours',
    b: 'file',
  })
})

it('keeps modes, so that a link stays a link', async () => {
  const gitdir = await bareRepository()
  const repository = await opened(gitdir)
  const file = putLoose(gitdir, 'blob', 'x')
  const tree = (mode: string, name = 'file') => putLoose(gitdir, 'tree', treeEntry(mode, name, file))
  const result = await mergeTrees(repository, { base: tree('100644'), ours: tree('100644'), theirs: tree('120000') })
  expect(result).toBe(tree('120000'))
})
