import { describe, expect, it } from 'vitest'
import { formatTree, parseTree } from '../../../runtime/git/tree.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { fsck, git, putLoose, temporaryDirectory, treeEntry } from '../../support/raw-git.ts'

const BLOB = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)
const file = (name: string | Buffer) => treeEntry('100644', name, BLOB)

describe('parseTree', () => {
  it('reads what stock git wrote, in its order', () => {
    const directory = temporaryDirectory()
    git(directory, 'init', '-q', '--bare', '.')
    const blob = putLoose(directory, 'blob', 'text')
    const below = putLoose(directory, 'tree', treeEntry('100644', 'x', blob))
    const body = Buffer.concat([
      treeEntry('100644', 'a.b', blob),
      treeEntry('40000', 'a', below),
      treeEntry('100755', 'a0', blob),
    ])
    const oid = putLoose(directory, 'tree', body)
    expect(fsck(directory)).toBe('')
    expect(git(directory, 'ls-tree', '--name-only', oid).split('\n')).toEqual(parseTree(body).map(({ name }) => name))
  })

  it.each([
    ['..'],
    ['.'],
    ['.git'],
    ['.GIT'],
    ['.git '],
    ['.git.'],
    ['git~1'],
    ['GIT~1'],
    ['.gi\u200ct'],
    ['.git\u200c'],
    ['..\u200c'],
    ['.git::$INDEX_ALLOCATION'],
    ['.git:x'],
    ['a/b'],
    [''],
    ['.git\u00ad'],
    ['.git\ufe0f'],
  ])('refuses the name %j (A01, A02, A04)', async (name) => {
    expect(await faultReason(() => parseTree(file(name)))).toBe('PATH_INVALID')
  })

  it('refuses a name that is not UTF-8 (A13)', async () => {
    expect(await faultReason(() => parseTree(file(Buffer.from([0xff, 0xfe]))))).toBe('PATH_INVALID')
  })

  it.each([['100664'], ['040000'], ['120777'], ['0'], ['999999']])('refuses the mode %s', async (mode) => {
    expect(await faultReason(() => parseTree(treeEntry(mode, 'a', BLOB)))).toBe('PATH_INVALID')
  })

  it.each([
    ['two entries of one name (A06)', [file('a'), treeEntry('100644', 'a', OTHER)]],
    ['a file and a directory of one name (A06)', [file('a'), file('a.b'), treeEntry('40000', 'a', OTHER)]],
    ['entries out of order (A07)', [file('b'), file('a')]],
    ['an entry that is cut', [file('a').subarray(0, -1)]],
    ['an entry without a name', [Buffer.from('100644')]],
    ['bytes behind the last entry', [file('a'), Buffer.from('x')]],
  ])('refuses %s', async (_, parts) => {
    expect(await faultReason(() => parseTree(Buffer.concat(parts)))).toBe('OBJECT_CORRUPT')
  })
})

describe('formatTree', () => {
  it('sorts a directory as git does, as if its name ended in a slash', () => {
    const entries = [
      { mode: '40000', name: 'a', oid: BLOB },
      { mode: '100644', name: 'a.b', oid: BLOB },
      { mode: '100644', name: 'A', oid: BLOB },
    ]
    expect(parseTree(formatTree(entries)).map(({ name }) => name)).toEqual(['A', 'a.b', 'a'])
  })

  it('never writes a tree that it would not read', async () => {
    expect(await faultReason(() => formatTree([{ mode: '100644', name: '..', oid: BLOB }]))).toBe('PATH_INVALID')
  })
})
