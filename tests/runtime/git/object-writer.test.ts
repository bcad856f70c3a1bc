import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { objectId } from '../../../runtime/git/object-reader.ts'
import { writeTree } from '../../../runtime/git/tree-files.ts'
import { bareRepository, fsck, git, looseFile, writeLooseBytes, opened } from '../../support/raw-git.ts'

const body = Buffer.from('text of a blob\n')
const oid = objectId('blob', body)

describe('write', () => {
  it('gives an object that stock git reads, and leaves nothing else behind', async () => {
    const gitdir = await bareRepository()
    const repository = await opened(gitdir)
    expect(await repository.write('blob', body)).toBe(oid)
    expect(git(gitdir, 'cat-file', '-p', oid)).toBe('text of a blob')
    expect(fsck(gitdir)).toBe('')
    expect(readdirSync(join(gitdir, 'objects')).sort()).toEqual([oid.slice(0, 2), 'info', 'pack'].sort())
  })

  it.each([
    ['empty', Buffer.alloc(0)],
    ['half written', Buffer.from([0x78, 0x9c, 0x4b])],
    ['of other content', Buffer.from('garbage that is no zlib stream')],
  ])('repairs an object whose file is %s', async (_, bytes) => {
    const gitdir = await bareRepository()
    writeLooseBytes(gitdir, oid, bytes)
    const repository = await opened(gitdir)
    await repository.write('blob', body)
    expect((await repository.read(oid, 'blob')).equals(body)).toBe(true)
    expect(git(gitdir, 'cat-file', '-p', oid)).toBe('text of a blob')
  })

  it('leaves a whole object as it is', async () => {
    const gitdir = await bareRepository()
    const repository = await opened(gitdir)
    await repository.write('blob', body)
    const before = statSync(looseFile(gitdir, oid))
    await repository.write('blob', body)
    expect(statSync(looseFile(gitdir, oid)).ino).toBe(before.ino)
  })

  it('takes six hundred files at once without running out of descriptors', async () => {
    const gitdir = await bareRepository()
    const repository = await opened(gitdir)
    const files = new Map(Array.from({ length: 600 }, (_, i) => [`d${i % 7}/f${i}`, Buffer.from(String(i))]))
    const tree = await writeTree(repository, files)
    expect(git(gitdir, 'ls-tree', '-r', '--name-only', tree).split('\n')).toHaveLength(600)
  })

  it('goes on where git removed the directory that it wants to write to', async () => {
    const gitdir = await bareRepository()
    const repository = await opened(gitdir)
    await repository.write('blob', body)
    git(gitdir, 'prune', '--expire=now')
    expect(await repository.write('blob', body)).toBe(oid)
    expect(git(gitdir, 'cat-file', '-t', oid)).toBe('blob')
  })
})

describe('opening a repository', () => {
  it('removes the temporary objects of a process that is gone, and of no other', async () => {
    const gitdir = await bareRepository()
    const gone = 'tmp_obj_abc-1-2-3_0123456789ab'
    const foreign = 'tmp_obj_Xyz123'
    for (const name of [gone, foreign]) writeFileSync(join(gitdir, 'objects', name), 'x')
    await opened(gitdir)
    expect(readdirSync(join(gitdir, 'objects')).sort()).toEqual(['info', 'pack', foreign].sort())
  })
})
