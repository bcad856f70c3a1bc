import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { initBareRepository } from '../../../runtime/git/init-repository.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { bareRepository, fsck, git, importCommits, temporaryDirectory } from '../../support/raw-git.ts'

it('makes a bare repository that stock git clones from and pushes to', async () => {
  const gitdir = await bareRepository()
  const directory = temporaryDirectory()
  git(directory, 'clone', '-q', gitdir, 'work')
  const work = join(directory, 'work')
  git(work, 'commit', '-q', '--allow-empty', '-m', 'first')
  git(work, 'push', '-q', 'origin', 'HEAD:refs/heads/main')
  expect(git(gitdir, 'rev-parse', 'main')).toBe(git(work, 'rev-parse', 'HEAD'))
  expect(git(gitdir, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main')
  expect(git(gitdir, 'config', 'core.bare')).toBe('true')
  expect(git(gitdir, 'config', 'receive.fsckObjects')).toBe('true')
  expect(fsck(gitdir)).toBe('')
})

it('refuses replace refs by push', async () => {
  const gitdir = await bareRepository()
  const source = await bareRepository()
  const tip = importCommits(source, 'refs/heads/main', 1)
  expect(() => git(source, 'push', '-q', gitdir, `main:refs/replace/${tip}`)).toThrow(/hidden/)
})

it('never writes over a repository', async () => {
  const gitdir = await bareRepository()
  expect(await faultReason(() => initBareRepository(gitdir))).toBe('CONFIG_INVALID')
  expect(readFileSync(join(gitdir, 'HEAD'), 'utf8')).toBe('ref: refs/heads/main\n')
})
