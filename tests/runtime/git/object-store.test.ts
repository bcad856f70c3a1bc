import { execFile } from 'node:child_process'
import { chmodSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflateSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { objectId } from '../../../runtime/git/object-reader.ts'
import { openObjectStore } from '../../../runtime/git/object-store.ts'
import { formatPackIndex } from '../../../runtime/git/pack-index.ts'
import { listFiles } from '../../../runtime/git/tree-files.ts'
import { firstParents, readCommit } from '../../../runtime/git/history.ts'
import { faultReason } from '../../support/fault-reason.ts'
import {
  bareRepository,
  copyFromStart,
  git,
  importCommits,
  insert,
  looseFile,
  onlyPack,
  putLoose,
  rawDelta,
  rawPack,
  writeLooseBytes,
  type RawEntry,
} from '../../support/raw-git.ts'

const run = promisify(execFile)
const MIB = 1024 * 1024

async function emptyStore() {
  const gitdir = await bareRepository()
  const store = openObjectStore(join(gitdir, 'objects'))
  onTestFinished(() => store.close())
  return { gitdir, store }
}

/** A pack as an attacker would put it on disk: its index says of each entry what it is told to say. */
async function storeWithPack(entries: RawEntry[], oids: string[]) {
  const { gitdir, store } = await emptyStore()
  const pack = rawPack(entries)
  let offset = 12
  const offsets = entries.map((entry) => {
    const at = offset
    offset += rawPack([entry]).length - 32
    return at
  })
  const index = oids.map((oid, i) => ({ oid, offset: offsets[i] ?? 12, crc: 0 }))
  const path = join(gitdir, 'objects/pack/pack-evil')
  writeFileSync(`${path}.pack`, pack)
  writeFileSync(`${path}.idx`, formatPackIndex(index, pack.subarray(-20)))
  return { gitdir, store }
}

describe('a loose object', () => {
  it('is read when it is what its name says', async () => {
    const { gitdir, store } = await emptyStore()
    const oid = putLoose(gitdir, 'blob', 'hello')
    expect((await store.read(oid, 'blob')).toString()).toBe('hello')
    expect(await faultReason(() => store.read(oid, 'tree'))).toBe('OBJECT_CORRUPT')
    expect(await faultReason(() => store.read('a'.repeat(40), 'blob'))).toBe('OBJECT_MISSING')
    expect(await faultReason(() => store.read('../../config', 'blob'))).toBe('OBJECT_MISSING')
  })

  it('is refused when it holds other content (A22)', async () => {
    const { gitdir, store } = await emptyStore()
    const oid = putLoose(gitdir, 'blob', 'good')
    writeLooseBytes(gitdir, oid, deflateSync(Buffer.from('blob 4\0evil')))
    expect(await faultReason(() => store.read(oid, 'blob'))).toBe('OBJECT_CORRUPT')
  })

  it.each([
    ['empty', Buffer.alloc(0)],
    ['not compressed', Buffer.from('blob 4\0good')],
    ['cut', deflateSync(Buffer.from('blob 4\0good')).subarray(0, 9)],
    ['longer than it says', deflateSync(Buffer.from('blob 4\0goods'))],
    ['shorter than it says', deflateSync(Buffer.from('blob 5\0good'))],
    ['of an unknown type', deflateSync(Buffer.from('blab 4\0good'))],
    ['of a size that is no number', deflateSync(Buffer.from('blob -4\0good'))],
    ['without a header', deflateSync(Buffer.from('good'))],
  ])('is refused when it is %s', async (_, bytes) => {
    const { gitdir, store } = await emptyStore()
    const oid = objectId('blob', Buffer.from('good'))
    writeLooseBytes(gitdir, oid, bytes)
    expect(await faultReason(() => store.read(oid, 'blob'))).toBe('OBJECT_CORRUPT')
  })

  it('is refused when it is a link', async () => {
    const { gitdir, store } = await emptyStore()
    const oid = putLoose(gitdir, 'blob', 'good')
    writeFileSync(join(gitdir, 'elsewhere'), readFileSync(looseFile(gitdir, oid)))
    rmSync(looseFile(gitdir, oid))
    symlinkSync(join(gitdir, 'elsewhere'), looseFile(gitdir, oid))
    expect(await faultReason(() => store.read(oid, 'blob'))).toBe('OBJECT_CORRUPT')
  })

  it('is refused for its size before it is inflated (A17)', async () => {
    const { gitdir, store } = await emptyStore()
    const oid = putLoose(gitdir, 'blob', Buffer.alloc(128 * MIB))
    const before = process.memoryUsage().arrayBuffers
    expect(await faultReason(() => store.read(oid, 'blob', MIB))).toBe('OBJECT_TOO_LARGE')
    expect(await faultReason(() => store.read(oid, 'blob'))).toBe('OBJECT_TOO_LARGE')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB)
  })

  it('cannot hide its size behind a small header', async () => {
    const { gitdir, store } = await emptyStore()
    const oid = objectId('blob', Buffer.from('good'))
    writeLooseBytes(gitdir, oid, deflateSync(Buffer.concat([Buffer.from('blob 4\0good'), Buffer.alloc(64 * MIB)])))
    expect(await faultReason(() => store.read(oid, 'blob', MIB))).toBe('OBJECT_CORRUPT')
  })
})

describe('a packed object', () => {
  it('is read as stock git packed it, through deltas, with every file', async () => {
    const { gitdir, store } = await emptyStore()
    const tip = importCommits(gitdir, 'refs/heads/main', 300)
    git(gitdir, 'gc', '-q', '--aggressive', '--prune=now')
    expect(await firstParents(store, tip, null, 1000)).toHaveLength(300)
    const files = await listFiles(store, (await readCommit(store, tip)).tree)
    for (const [path, { oid }] of files)
      expect((await store.read(oid, 'blob')).toString()).toBe(git(gitdir, 'show', `${tip}:${path}`))
  })

  it('is refused when the index points at another (B06)', async () => {
    const [good, evil] = [Buffer.from('AAAA'), Buffer.from('EVIL')]
    const { store } = await storeWithPack(
      [
        { type: 3, data: evil },
        { type: 3, data: good },
      ],
      [objectId('blob', good), objectId('blob', evil)],
    )
    expect(await faultReason(() => store.read(objectId('blob', good), 'blob'))).toBe('OBJECT_CORRUPT')
  })

  it('is read from a loose copy when the pack is damaged', async () => {
    const good = Buffer.from('AAAA')
    const { gitdir, store } = await storeWithPack([{ type: 3, data: Buffer.from('EVIL') }], [objectId('blob', good)])
    putLoose(gitdir, 'blob', good)
    expect((await store.read(objectId('blob', good), 'blob')).equals(good)).toBe(true)
    expect(store.takeDamaged()).toEqual([join(gitdir, 'objects/pack/pack-evil.pack')])
  })

  it('is refused when its delta is its own base (B07)', async () => {
    const oid = 'a'.repeat(40)
    const { store } = await storeWithPack(
      [{ type: 6, data: rawDelta(4, 4, [insert('evil')]), base: Buffer.from([0]) }],
      [oid],
    )
    expect(await faultReason(() => store.read(oid, 'blob'))).toBe('OBJECT_CORRUPT')
    const named = await storeWithPack(
      [{ type: 7, data: rawDelta(4, 4, [insert('evil')]), base: Buffer.from(oid, 'hex') }],
      [oid],
    )
    expect(await faultReason(() => named.store.read(oid, 'blob'))).toBe('OBJECT_CORRUPT')
  })

  it('is refused for its size before it is inflated (B08)', async () => {
    const oid = 'a'.repeat(40)
    const { store } = await storeWithPack([{ type: 3, data: Buffer.alloc(64 * MIB) }], [oid])
    expect(await faultReason(() => store.read(oid, 'blob', MIB))).toBe('OBJECT_TOO_LARGE')
  })

  it('is refused for the size that its delta would make (B09)', async () => {
    const base = Buffer.alloc(0x10000)
    const delta = rawDelta(
      base.length,
      4096 * base.length,
      Array.from({ length: 4096 }, () => copyFromStart(0x10000)),
    )
    const oid = 'a'.repeat(40)
    const entries = [
      { type: 3, data: base },
      { type: 7, data: delta, base: Buffer.from(objectId('blob', base), 'hex') },
    ]
    const { store } = await storeWithPack(entries, [objectId('blob', base), oid])
    expect(await faultReason(() => store.read(oid, 'blob'))).toBe('OBJECT_TOO_LARGE')
  })

  it.each([
    ['an instruction beyond its base', rawDelta(4, 8, [copyFromStart(8)])],
    ['an instruction beyond its own end', rawDelta(4, 8, [Buffer.from([20, 65])])],
    ['the reserved instruction', rawDelta(4, 8, [Buffer.from([0])])],
    ['fewer bytes than it says', rawDelta(4, 8, [insert('a')])],
    ['more bytes than it says', rawDelta(4, 1, [insert('ab')])],
    ['a base of another size', rawDelta(5, 1, [insert('a')])],
    ['no head', Buffer.from([0x80])],
  ])('is refused when its delta has %s', async (_, data) => {
    const base = Buffer.from('base')
    const oid = 'a'.repeat(40)
    const entries = [
      { type: 3, data: base },
      { type: 7, data, base: Buffer.from(objectId('blob', base), 'hex') },
    ]
    const { store } = await storeWithPack(entries, [objectId('blob', base), oid])
    expect(await faultReason(() => store.read(oid, 'blob'))).toBe('OBJECT_CORRUPT')
  })

  it('is corrupt, not missing, when the pack or its index is cut', async () => {
    for (const [file, bytes] of [
      ['pack', 200],
      ['idx', 500],
    ] as const) {
      const { gitdir, store } = await emptyStore()
      const tip = importCommits(gitdir, 'refs/heads/main', 150)
      git(gitdir, 'gc', '-q', '--prune=now')
      const path = onlyPack(gitdir)[file]
      chmodSync(path, 0o644)
      truncateSync(path, bytes)
      expect(await faultReason(() => firstParents(store, tip, null, 1000))).toBe('OBJECT_CORRUPT')
    }
  })
})

describe('an open store', () => {
  it('goes on reading while stock git packs, repacks and prunes beneath it', async () => {
    const { gitdir, store } = await emptyStore()
    const tip = importCommits(gitdir, 'refs/heads/main', 200)
    const collector = { running: true }
    const collecting = (async () => {
      for (let i = 0; i < 4; i++) {
        await run('git', ['-C', gitdir, 'repack', '-q', '-a', '-d', '-f', `--depth=${i + 1}`])
        await run('git', ['-C', gitdir, 'prune-packed', '-q'])
      }
    })().finally(() => (collector.running = false))
    let walks = 0
    while (collector.running) {
      // Another reader each time, so that every walk reads every commit again.
      expect(await firstParents({ read: store.read }, tip, null, 1000)).toHaveLength(200)
      walks++
    }
    await collecting
    expect(walks).toBeGreaterThan(0)
  })

  it('sees a pack that came after it was opened', async () => {
    const { gitdir, store } = await emptyStore()
    expect(await faultReason(() => store.read('a'.repeat(40), 'blob'))).toBe('OBJECT_MISSING')
    const tip = importCommits(gitdir, 'refs/heads/main', 150)
    git(gitdir, 'gc', '-q', '--prune=now')
    expect(await firstParents(store, tip, null, 1000)).toHaveLength(150)
  })

  it('serves many readers at once', async () => {
    const { gitdir, store } = await emptyStore()
    const tip = importCommits(gitdir, 'refs/heads/main', 150)
    git(gitdir, 'gc', '-q', '--prune=now')
    const walks = await Promise.all(Array.from({ length: 20 }, () => firstParents(store, tip, null, 1000)))
    expect(new Set(walks.map((walk) => walk.join())).size).toBe(1)
  })
})
