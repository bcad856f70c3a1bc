import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { formatCommit } from '../../../runtime/git/commit-object.ts'
import { faultReason } from '../../support/fault-reason.ts'
import {
  AUTHOR,
  bareRepository,
  fsck,
  git,
  importCommits,
  opened,
  putLoose,
  putCommit,
  temporaryDirectory,
} from '../../support/raw-git.ts'

const run = promisify(execFile)
const LIVE = 'refs/heads/live'
const ABSENT = 'a'.repeat(40)

function put(gitdir: string, ref: string, text: string): void {
  mkdirSync(dirname(join(gitdir, ref)), { recursive: true })
  writeFileSync(join(gitdir, ref), text)
}

async function withCommits(count = 3) {
  const gitdir = await bareRepository()
  const tip = importCommits(gitdir, 'refs/heads/main', count)
  const commits = git(gitdir, 'rev-list', tip).split('\n').reverse()
  return { gitdir, repository: await opened(gitdir), commits }
}

describe('readRef', () => {
  it('reads loose and packed refs, the loose one first', async () => {
    const { gitdir, repository, commits } = await withCommits()
    git(gitdir, 'update-ref', LIVE, commits[0] ?? '')
    git(gitdir, 'pack-refs', '--all')
    expect(await repository.readRef(LIVE)).toBe(commits[0])
    git(gitdir, 'update-ref', LIVE, commits[1] ?? '')
    expect(await repository.readRef(LIVE)).toBe(commits[1])
    expect(await repository.readRef('refs/heads/none')).toBeNull()
  })

  it.each([
    ['empty'] as const,
    ['cut', 'abcdef'] as const,
    ['without its newline', ABSENT] as const,
    ['in capitals', `${'A'.repeat(40)}\n`] as const,
    ['all zeros', `${'0'.repeat(40)}\n`] as const,
    ['two lines long', `${ABSENT}\n${ABSENT}\n`] as const,
    ['symbolic', 'ref: refs/heads/main\n'] as const,
    ['symbolic in a circle (B15)', 'ref: refs/heads/live\n'] as const,
    ['garbage', '\0\0\0'] as const,
    ['too long', 'a'.repeat(5000)] as const,
  ])('refuses a ref that is %s, although packed-refs holds an older value', async (_, text = '') => {
    const { gitdir, repository, commits } = await withCommits()
    git(gitdir, 'update-ref', LIVE, commits[0] ?? '')
    git(gitdir, 'pack-refs', '--all')
    put(gitdir, LIVE, text)
    expect(await faultReason(() => repository.readRef(LIVE))).toBe('REF_CORRUPT')
    expect(
      await faultReason(() => repository.updateRefs([{ ref: LIVE, old: commits[0] ?? '', new: commits[1] ?? '' }])),
    ).toBe('REF_CORRUPT')
    expect(readFileSync(join(gitdir, LIVE), 'latin1')).toBe(text)
  })

  it.each([
    ['a cut line', `${ABSENT} refs/heads/main`],
    ['a short id', `${'a'.repeat(39)} refs/heads/x\n`],
    ['an empty line', `${ABSENT} refs/heads/x\n\n`],
    ['a ref twice', `${ABSENT} refs/heads/x\n${ABSENT} refs/heads/x\n`],
    ['zeros', `${'0'.repeat(40)} refs/heads/x\n`],
    ['garbage', 'garbage\n'],
  ])('refuses packed-refs with %s', async (_, text) => {
    const { gitdir, repository } = await withCommits()
    writeFileSync(join(gitdir, 'packed-refs'), text)
    expect(await faultReason(() => repository.readRef('refs/heads/none'))).toBe('REF_CORRUPT')
  })

  it('never follows a link (C04)', async () => {
    const { gitdir, repository, commits } = await withCommits()
    const outside = temporaryDirectory()
    writeFileSync(join(outside, 'x'), `${commits[0]}\n`)
    symlinkSync(outside, join(gitdir, 'refs/heads/evil'))
    symlinkSync(join(outside, 'x'), join(gitdir, 'refs/heads/file'))
    for (const ref of ['refs/heads/evil/x', 'refs/heads/file'])
      expect(await faultReason(() => repository.readRef(ref))).toBe('REPOSITORY_UNSAFE')
    expect(await faultReason(() => repository.listRefs('refs/heads/'))).toBe('REPOSITORY_UNSAFE')
    expect(
      await faultReason(() => repository.updateRefs([{ ref: 'refs/heads/evil/y', old: null, new: commits[0] ?? '' }])),
    ).toBe('REPOSITORY_UNSAFE')
    expect(readdirSync(outside)).toEqual(['x'])
  })
})

describe('a ref name (C01, C03)', () => {
  it.each([
    ['packed-refs'],
    ['HEAD'],
    ['main'],
    ['heads/main'],
    ['objects/aa'],
    ['hooks/post-checkout'],
    ['info/exclude'],
    ['logs/HEAD'],
    ['refs/heads'],
    ['refs/heads/'],
    ['refs/heads/-x'],
    ['refs/heads/\u202ex'],
    ['refs/heads/a..b'],
    ['refs/heads/../../config'],
    ['refs/heads/x.lock'],
    ['refs/heads/x.lock/y'],
    ['refs/heads/.x'],
    ['refs/heads/x.'],
    ['refs/heads/x y'],
    ['refs/heads/x~1'],
    ['refs/heads/x:y'],
    ['refs/heads/x\\y'],
    ['refs/heads/@{x'],
    ['refs/heads//x'],
    ['refs/heads/x/'],
    [`refs/heads/${'x'.repeat(300)}`],
    ['refs/heads/x\n'],
    ['refs/heads/HEAD'],
    [`refs/replace/${ABSENT}`],
    ['refs/heads/x\0y'],
    ['refs/heads/__proto__'],
  ])('%j is neither read nor written', async (ref) => {
    const { repository, commits } = await withCommits(1)
    expect(await faultReason(() => repository.readRef(ref))).toBe('REF_NAME_INVALID')
    expect(await faultReason(() => repository.updateRefs([{ ref, old: null, new: commits[0] ?? '' }]))).toBe(
      'REF_NAME_INVALID',
    )
  })

  it.each([['refs/heads/MAIN'], ['refs/notes/x'], ['refs/remotes/origin/main'], ['refs/tags/Bundles/x']])(
    '%s is read and not written',
    async (ref) => {
      const { repository, commits } = await withCommits(1)
      expect(await repository.readRef(ref)).toBeNull()
      expect(await faultReason(() => repository.updateRefs([{ ref, old: null, new: commits[0] ?? '' }]))).toBe(
        'REF_NAME_INVALID',
      )
    },
  )
})

describe('updateRefs', () => {
  it('creates, moves and deletes, as stock git sees it', async () => {
    const { gitdir, repository, commits } = await withCommits()
    const [a = '', b = ''] = commits
    await repository.updateRefs([
      { ref: 'refs/tags/bundles/faq/1.0.0-RC.1', old: null, new: a },
      { ref: LIVE, old: null, new: a },
    ])
    await repository.updateRefs([{ ref: LIVE, old: a, new: b }])
    expect(git(gitdir, 'rev-parse', 'live', 'bundles/faq/1.0.0-RC.1')).toBe(`${b}\n${a}`)
    await repository.updateRefs([{ ref: LIVE, old: b, new: null }])
    expect(git(gitdir, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main\nrefs/tags/bundles/faq/1.0.0-RC.1')
    expect(fsck(gitdir)).toBe('')
  })

  it('moves nothing at all when one of several refs is not where it was expected', async () => {
    const { repository, commits } = await withCommits()
    const [a = '', b = ''] = commits
    await repository.updateRefs([{ ref: LIVE, old: null, new: a }])
    for (const old of [null, b]) {
      const updates = [
        { ref: 'refs/tags/t', old: null, new: a },
        { ref: LIVE, old, new: b },
      ]
      expect(await faultReason(() => repository.updateRefs(updates))).toBe('REF_CONFLICT')
    }
    expect(await repository.readRef('refs/tags/t')).toBeNull()
    expect(await repository.readRef(LIVE)).toBe(a)
  })

  it('deletes a packed ref for good, and keeps its neighbours and their peeled values', async () => {
    const { gitdir, repository, commits } = await withCommits()
    git(gitdir, 'tag', '-a', '-m', 'x', 'annotated', commits[0] ?? '')
    git(gitdir, 'tag', '-a', '-m', 'y', 'zeta', commits[1] ?? '')
    git(gitdir, 'pack-refs', '--all')
    const old = await repository.readRef('refs/tags/annotated')
    await repository.updateRefs([{ ref: 'refs/tags/annotated', old, new: null }])
    expect(await repository.readRef('refs/tags/annotated')).toBeNull()
    expect(git(gitdir, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main\nrefs/tags/zeta')
    expect(readFileSync(join(gitdir, 'packed-refs'), 'utf8').match(/^\^/gm)).toHaveLength(1)
  })

  it('refuses a ref beside one that would have to be its directory', async () => {
    const { gitdir, repository, commits } = await withCommits()
    const update = (ref: string) => repository.updateRefs([{ ref, old: null, new: commits[0] ?? '' }])
    await update('refs/heads/a/b')
    expect(await faultReason(() => update('refs/heads/a'))).toBe('REF_CONFLICT')
    expect(await faultReason(() => update('refs/heads/a/b/c'))).toBe('REF_CONFLICT')
    git(gitdir, 'pack-refs', '--all')
    expect(await faultReason(() => update('refs/heads/a'))).toBe('REF_CONFLICT')
    expect(await faultReason(() => update('refs/heads/a/b/c'))).toBe('REF_CONFLICT')
    git(gitdir, 'update-ref', '-d', 'refs/heads/a/b')
    mkdirSync(join(gitdir, 'refs/heads/a/empty'), { recursive: true })
    await update('refs/heads/a')
    expect(git(gitdir, 'rev-parse', 'a')).toBe(commits[0])
  })

  it('waits for a lock of git for a while, and then gives way', async () => {
    const { gitdir, repository, commits } = await withCommits()
    writeFileSync(join(gitdir, `${LIVE}.lock`), '')
    expect(await faultReason(() => repository.updateRefs([{ ref: LIVE, old: null, new: commits[0] ?? '' }]))).toBe(
      'REF_CONFLICT',
    )
    expect(readFileSync(join(gitdir, `${LIVE}.lock`), 'utf8')).toBe('')
    expect(await repository.readRef(LIVE)).toBeNull()
  })

  it('leaves no lock and no temporary file behind, whether it won or lost', async () => {
    const { gitdir, repository, commits } = await withCommits()
    await repository.updateRefs([{ ref: LIVE, old: null, new: commits[0] ?? '' }])
    await faultReason(() => repository.updateRefs([{ ref: LIVE, old: null, new: commits[1] ?? '' }]))
    await repository.close()
    expect(readdirSync(join(gitdir, 'refs/heads')).sort()).toEqual(['live', 'main'])
    expect(readdirSync(gitdir).filter((name) => name.startsWith('contractor'))).toEqual([])
  })
})

describe('racing', () => {
  it('twenty writers of one value in this process: exactly one wins each round', async () => {
    const { gitdir, repository, commits } = await withCommits(6)
    const others = await Promise.all(Array.from({ length: 3 }, () => opened(gitdir)))
    let old: string | null = null
    for (const next of commits) {
      const expected: string | null = old
      const moves = Array.from({ length: 20 }, (_, i) =>
        (others[i % 4] ?? repository).updateRefs([{ ref: LIVE, old: expected, new: next }]),
      )
      const won = (await Promise.allSettled(moves)).filter(({ status }) => status === 'fulfilled')
      expect(won).toHaveLength(1)
      old = next
    }
  })

  it('stock `git update-ref`, `pack-refs` and `gc`: no move is lost and none is made twice', async () => {
    const { gitdir, repository } = await withCommits(1)
    const tree = putLoose(gitdir, 'tree', '')
    const root = putCommit(gitdir, tree, [], 'root\n')
    git(gitdir, 'update-ref', LIVE, root)
    const race = { on: true }
    const packing = (async () => {
      for (let i = 0; race.on; i++)
        await run('git', ['-C', gitdir, ...(i % 3 === 2 ? ['gc', '-q'] : ['pack-refs', '--all', '--prune'])]).catch(
          () => undefined,
        )
    })()
    let moved = 0
    const ours = async () => {
      for (let i = 0; i < 40; i++) {
        const old = await repository.readRef(LIVE)
        const parents = old === null ? [] : [old]
        const next = await repository.write(
          'commit',
          formatCommit({ tree, parents, author: AUTHOR, committer: AUTHOR, message: `ours ${i}\n` }),
        )
        const reason = await faultReason(() => repository.updateRefs([{ ref: LIVE, old, new: next }]))
        expect([null, 'REF_CONFLICT']).toContain(reason)
        if (reason === null) moved++
      }
    }
    const theirs = async () => {
      for (let i = 0; i < 20; i++) {
        const old = git(gitdir, 'rev-parse', LIVE)
        const next = git(gitdir, 'commit-tree', tree, '-p', old, '-m', `theirs ${i}`)
        const done = await run('git', ['-C', gitdir, 'update-ref', LIVE, next, old]).then(
          () => 1,
          () => 0,
        )
        moved += done
      }
    }
    await Promise.all([ours(), theirs()])
    race.on = false
    await packing
    expect(git(gitdir, 'rev-list', '--count', LIVE)).toBe(String(moved + 1))
    expect(fsck(gitdir)).toBe('')
    expect(existsSync(join(gitdir, `${LIVE}.lock`))).toBe(false)
  })
})
