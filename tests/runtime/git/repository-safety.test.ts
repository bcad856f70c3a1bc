import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { faultReason } from '../../support/fault-reason.ts'
import { bareRepository, git, importCommits, putLoose, temporaryDirectory, opened } from '../../support/raw-git.ts'

const put = (gitdir: string, name: string, text: string) => {
  mkdirSync(dirname(join(gitdir, name)), { recursive: true })
  writeFileSync(join(gitdir, name), text)
}

describe('openRepository', () => {
  it('reads what `git init --bare`, `git clone --bare` and `git clone` make', async () => {
    const source = await bareRepository()
    const tip = importCommits(source, 'refs/heads/main', 3)
    const directory = temporaryDirectory()
    git(directory, 'init', '-q', '--bare', 'empty.git')
    git(directory, 'clone', '-q', '--bare', source, 'bare.git')
    git(directory, 'clone', '-q', source, 'clone')
    expect(await (await opened(join(directory, 'empty.git'))).readRef('refs/heads/main')).toBeNull()
    expect(await (await opened(join(directory, 'bare.git'))).readRef('refs/heads/main')).toBe(tip)
    const clone = await opened(join(directory, 'clone'))
    expect(await clone.head()).toBe('refs/heads/main')
    expect(await clone.listRefs('refs/remotes/origin/')).toEqual(new Map([['refs/remotes/origin/main', tip]]))
    git(join(directory, 'clone'), 'checkout', '-q', '--detach')
    expect(await clone.head()).toBeNull()
  })

  it.each([
    ['grafts', (gitdir: string) => put(gitdir, 'info/grafts', `${'a'.repeat(40)}\n`)],
    ['alternates', (gitdir: string) => put(gitdir, 'objects/info/alternates', '/elsewhere/objects\n')],
    ['alternates over HTTP', (gitdir: string) => put(gitdir, 'objects/info/http-alternates', 'http://x/\n')],
    ['a common directory', (gitdir: string) => put(gitdir, 'commondir', '../other\n')],
    ['a gitdir file', (gitdir: string) => put(gitdir, 'gitdir', '/elsewhere/.git\n')],
    ['replace refs', (gitdir: string) => put(gitdir, `refs/replace/${'a'.repeat(40)}`, `${'b'.repeat(40)}\n`)],
    [
      'packed replace refs',
      (gitdir: string) => put(gitdir, 'packed-refs', `${'b'.repeat(40)} refs/replace/${'a'.repeat(40)}\n`),
    ],
    ['a link below refs', (gitdir: string) => symlinkSync(temporaryDirectory(), join(gitdir, 'refs/heads/evil'))],
    ['a link below objects', (gitdir: string) => symlinkSync(temporaryDirectory(), join(gitdir, 'objects/aa'))],
    ['a linked pack', (gitdir: string) => symlinkSync('/elsewhere', join(gitdir, 'objects/pack/pack-a.pack'))],
    [
      'links for its refs',
      (gitdir: string) => (renameSync(join(gitdir, 'refs'), join(gitdir, 'r')), symlinkSync('r', join(gitdir, 'refs'))),
    ],
    ['no refs', (gitdir: string) => rmSync(join(gitdir, 'refs'), { recursive: true })],
    [
      'a link for HEAD',
      (gitdir: string) => (rmSync(join(gitdir, 'HEAD')), symlinkSync('config', join(gitdir, 'HEAD'))),
    ],
    [
      'SHA-256 objects',
      (gitdir: string) =>
        put(gitdir, 'config', '[core]\nrepositoryformatversion = 1\n[extensions]\n\tobjectFormat = sha256\n'),
    ],
    [
      'refs in a table',
      (gitdir: string) =>
        put(gitdir, 'config', '[core]\nrepositoryformatversion = 1\n[extensions]\n\trefStorage = reftable\n'),
    ],
    ['an unknown format', (gitdir: string) => put(gitdir, 'config', '[core]\nrepositoryformatversion = 9\n')],
  ])('refuses a repository with %s (A23)', async (_, change) => {
    const gitdir = await bareRepository()
    change(gitdir)
    expect(await faultReason(() => opened(gitdir))).toBe('REPOSITORY_UNSAFE')
  })

  it('refuses linked work trees', async () => {
    const directory = temporaryDirectory()
    git(directory, 'init', '-q', 'main')
    git(join(directory, 'main'), 'commit', '-q', '--allow-empty', '-m', 'x')
    git(join(directory, 'main'), 'worktree', 'add', '-q', '../linked')
    expect(await faultReason(() => opened(join(directory, 'linked')))).toBe('REPOSITORY_UNSAFE')
    expect(await faultReason(() => opened(join(directory, 'main')))).toBeNull()
  })

  it('says so when there is no repository', async () => {
    const directory = temporaryDirectory()
    expect(await faultReason(() => opened(directory))).toBe('NOT_FOUND')
    expect(await faultReason(() => opened(join(directory, 'none')))).toBe('NOT_FOUND')
  })

  it.each([
    ['git@github.com:acme/registry.git'],
    ['ssh://git@host/x.git'],
    ['git://host/x.git'],
    ['file:///x.git'],
    ['ext::sh -c id'],
    ['ssh://-oProxyCommand=id/x'],
    ['ftp://host/x'],
    ['https://user:secret@host/x.git'],
    ['http://host/x.git?a=b'],
    ['https://'],
  ])('refuses %s (B16)', async (location) => {
    const open = opened(location, { mirror: temporaryDirectory(), fetch: ['refs/heads/live'] })
    const fault = await open.then(
      () => null,
      (error: unknown) => error,
    )
    expect(fault).toMatchObject({ reason: 'CONFIG_INVALID' })
    expect(String(fault)).not.toMatch(/secret/)
  })
})

it('notices on refresh that a repository became unsafe', async () => {
  const gitdir = await bareRepository()
  const repository = await opened(gitdir)
  await repository.refresh()
  git(gitdir, 'update-ref', `refs/replace/${'a'.repeat(40)}`, putLoose(gitdir, 'blob', 'x'))
  expect(await faultReason(() => repository.refresh())).toBe('REPOSITORY_UNSAFE')
})
