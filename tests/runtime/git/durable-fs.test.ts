import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { durableFs, makeDirectory, syncDirectory, writeDurably } from '../../../runtime/git/durable-fs.ts'
import { temporaryDirectory } from '../../support/raw-git.ts'

describe('writeDurably', () => {
  it('replaces a file as a whole and leaves nothing else', async () => {
    const directory = temporaryDirectory()
    const path = join(directory, 'a.json')
    writeFileSync(path, 'old')
    await writeDurably(path, 'new')
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(directory)).toEqual(['a.json'])
  })

  it('leaves the old file and no other when it fails', async () => {
    const directory = temporaryDirectory()
    await makeDirectory(join(directory, 'taken/below'))
    await expect(writeDurably(join(directory, 'taken'), 'new')).rejects.toMatchObject({ code: 'EISDIR' })
    await expect(writeDurably(join(directory, 'none/a'), 'new')).rejects.toMatchObject({ code: 'ENOENT' })
    expect(readdirSync(directory)).toEqual(['taken'])
  })

  it('never shows half a file to a reader', async () => {
    const path = join(temporaryDirectory(), 'a')
    const texts = ['a', 'b'].map((letter) => letter.repeat(200_000))
    await writeDurably(path, texts[0] ?? '')
    const writing = Promise.all(Array.from({ length: 20 }, (_, i) => writeDurably(path, texts[i % 2] ?? '')))
    for (let i = 0; i < 50; i++) expect(texts).toContain(readFileSync(path, 'utf8'))
    await writing
    expect(texts).toContain(readFileSync(path, 'utf8'))
  })
})

it('lets many wait for one sync of a directory', async () => {
  const directory = temporaryDirectory()
  const syncs = Array.from({ length: 100 }, () => syncDirectory(directory))
  expect(new Set(syncs).size).toBe(2)
  await Promise.all(syncs)
})

it('serves isomorphic-git as its file system', async () => {
  const directory = temporaryDirectory()
  const git = await import('isomorphic-git')
  await git.init({ fs: durableFs, dir: directory, defaultBranch: 'main' })
  const oid = await git.writeBlob({ fs: durableFs, dir: directory, blob: Buffer.from('x') })
  expect(Buffer.from((await git.readBlob({ fs: durableFs, dir: directory, oid })).blob).toString()).toBe('x')
})
