import { expect, it } from 'vitest'
import { mergeBase } from '../../../runtime/git/merge-base.ts'
import { AUTHOR, bareRepository, git, opened, putCommit, putLoose } from '../../support/raw-git.ts'
import { seededNumbers } from '../../support/seeded-numbers.ts'

it('finds what stock git finds, in histories with merges', async () => {
  const gitdir = await bareRepository()
  const tree = putLoose(gitdir, 'tree', '')
  const random = seededNumbers(7)
  const commits = [putCommit(gitdir, tree)]
  for (let n = 1; n < 60; n++) {
    const parents = new Set([0, 1].map(() => commits[random(commits.length)] ?? ''))
    commits.push(putCommit(gitdir, tree, [...parents], `${n}\n`, AUTHOR.timestamp + n * 60))
  }
  const repository = await opened(gitdir)
  for (let n = 0; n < 60; n++) {
    const [a, b] = [commits[random(60)] ?? '', commits[random(60)] ?? '']
    const all = git(gitdir, 'merge-base', '--all', a, b).split('\n')
    expect(all).toContain(await mergeBase(repository, a, b))
  }
})

it('finds none where there is none', async () => {
  const gitdir = await bareRepository()
  const tree = putLoose(gitdir, 'tree', '')
  const [a, b] = [putCommit(gitdir, tree, [], 'a\n'), putCommit(gitdir, tree, [], 'b\n')]
  expect(await mergeBase(await opened(gitdir), a, b)).toBe(null)
})
