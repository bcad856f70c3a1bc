import { describe, expect, it } from 'vitest'
import { BUNDLE_LIMITS, type BundleFiles } from '../../../runtime/bundle/files.ts'
import { readBundleFiles } from '../../../runtime/bundle/read.ts'
import { writeTree } from '../../../runtime/git/tree-files.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import { Fault } from '../../../schemas/fault.ts'
import { faqBundle } from '../../support/faq-bundle.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { memoryObjects } from '../../support/memory-objects.ts'

const objects = memoryObjects()
const blob = (text: string | Uint8Array) => objects.write('blob', Buffer.from(text))
const entry = (mode: string, name: string | Buffer, oid: string) =>
  Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(oid, 'hex')])
const tree = (...entries: Buffer[]) => objects.write('tree', Buffer.concat(entries))
const read = (oid: string, reader: ObjectReader = objects) => readBundleFiles(reader, oid, 'bundles/faq/')
const found = async (oid: string) => (await read(oid)).findings.map(({ code, path }) => `${code} ${path}`)
const store = (files: BundleFiles) => writeTree(objects, files)

describe('readBundleFiles', () => {
  it('reads every file of a tree', async () => {
    const files = faqBundle()
    const { files: again, findings } = await read(await store(files))
    expect(findings).toEqual([])
    expect(again).toEqual(files)
  })

  it('reads no link, executable or submodule, and says so', async () => {
    const oid = await blob('../../etc/passwd')
    const refused = await tree(
      entry('120000', 'a', oid),
      entry('100755', 'b', oid),
      entry('160000', 'c', oid),
      entry('100644', 'd', oid),
    )
    expect(await found(refused)).toEqual(['a', 'b', 'c'].map((name) => `PATH_INVALID bundles/faq/${name}`))
    expect([...(await read(refused)).files.keys()]).toEqual(['d'])
  })

  it.each(['.gitattributes', '.gitmodules', 'con', '-rf', '$(id)', 'a\nb', 'a\u202eb', 'é', '~'])(
    'reads no file named %j',
    async (name) => {
      expect(await found(await tree(entry('100644', name, await blob('x'))))).toEqual([
        `PATH_INVALID bundles/faq/${name}`,
      ])
    },
  )

  it('reads no folder of such a name, nor anything below it', async () => {
    const inner = await tree(entry('100644', 'a', await blob('x')))
    expect((await read(await tree(entry('40000', '.github', inner)))).files.size).toBe(0)
  })

  it.each([
    [
      'unsorted',
      () =>
        Promise.all([blob('1'), blob('2')]).then(([a, b]) => tree(entry('100644', 'b', a), entry('100644', 'a', b))),
    ],
    ['doubled', () => blob('1').then((a) => tree(entry('100644', 'a', a), entry('100644', 'a', a)))],
    ['of names that are not UTF-8', () => blob('1').then((a) => tree(entry('100644', Buffer.from([0xff]), a)))],
    ['with an empty name', () => blob('1').then((a) => tree(entry('100644', '', a)))],
    ['with ..', () => blob('1').then((a) => tree(entry('100644', '..', a)))],
    ['of an unknown mode', () => blob('1').then((a) => tree(entry('100664', 'a', a)))],
    ['cut off', () => objects.write('tree', Buffer.from('100644 a'))],
  ])('finds a tree %s, and reads nothing of it', async (_what, make) => {
    const { files, findings } = await read(await make())
    expect(files.size).toBe(0)
    expect(findings).toMatchObject([{ gate: 'layout', severity: 'error' }])
  })

  it('finds names that differ in case only', async () => {
    const oid = await blob('x')
    expect(await found(await tree(entry('100644', 'A', oid), entry('100644', 'a', oid)))).toEqual([
      'PATH_INVALID bundles/faq/a',
    ])
  })

  it('stops at a tree that holds itself many times', async () => {
    let bomb = await tree(entry('100644', 'x', await blob('x')))
    for (let level = 0; level < 9; level++) {
      bomb = await tree(...Array.from({ length: 10 }, (_, at) => entry('40000', `d${at}`, bomb)))
    }
    let reads = 0
    const counting: ObjectReader = { read: (...call) => ((reads += 1), objects.read(...call)) }
    const { findings } = await read(bomb, counting)
    expect(findings).toMatchObject([{ code: 'FILE_TOO_LARGE' }])
    expect(reads).toBeLessThan(2 * BUNDLE_LIMITS.entries)
  })

  it('stops at a tree of trees without files', async () => {
    let bomb = await tree()
    for (let level = 0; level < 9; level++) {
      bomb = await tree(...Array.from({ length: 10 }, (_, at) => entry('40000', `d${at}`, bomb)))
    }
    expect(await found(bomb)).toMatchObject([expect.stringMatching(/^FILE_TOO_LARGE/)])
  })

  it('stops at depth', async () => {
    let deep = await tree(entry('100644', 'x', await blob('x')))
    for (let level = 0; level < 3_000; level++) deep = await tree(entry('40000', 'd', deep))
    expect(await found(deep)).toMatchObject([expect.stringMatching(/^PATH_INVALID/)])
  })

  it('finds too many files before it reads one', async () => {
    const oid = await blob('x')
    const many = await tree(
      ...Array.from({ length: 3_000 }, (_, at) => entry('100644', `f${String(at).padStart(4, '0')}`, oid)),
    )
    const { files, findings } = await read(many)
    expect(files.size).toBe(0)
    expect(findings).toMatchObject([{ code: 'FILE_TOO_LARGE' }])
  })

  it('finds a file that is too large, and reads the others', async () => {
    const large = await blob(Buffer.alloc(BUNDLE_LIMITS.fileBytes + 1))
    const oid = await tree(entry('100644', 'a', large), entry('100644', 'b', await blob('x')))
    expect(await found(oid)).toEqual(['FILE_TOO_LARGE bundles/faq/a'])
    expect([...(await read(oid)).files.keys()]).toEqual(['b'])
  })

  it('reads what was compiled, which may be larger than what people write', async () => {
    const router = await tree(entry('100644', 'router.bin', await blob(Buffer.alloc(5 * BUNDLE_LIMITS.fileBytes))))
    expect(await found(await tree(entry('40000', 'sealed', router)))).toEqual([])
    const bomb = await tree(entry('100644', 'router.bin', await blob(Buffer.alloc(BUNDLE_LIMITS.sealedBytes + 1))))
    expect(await found(await tree(entry('40000', 'sealed', bomb)))).toEqual([
      'FILE_TOO_LARGE bundles/faq/sealed/router.bin',
    ])
  })

  it('finds a bundle that is too large in all', async () => {
    const full = await blob(Buffer.alloc(BUNDLE_LIMITS.fileBytes))
    const oid = await tree(
      ...Array.from({ length: 20 }, (_, at) => entry('100644', `f${String(at).padStart(2, '0')}`, full)),
    )
    const { files, findings } = await read(oid)
    expect(files.size).toBe(16)
    expect(findings).toMatchObject([{ code: 'FILE_TOO_LARGE', path: 'bundles/faq/f16' }])
  })

  it('finds an object that is missing, damaged or of another type', async () => {
    const folder = await tree()
    const oid = await tree(entry('100644', 'a', '1'.repeat(40)), entry('100644', 'b', folder))
    expect(await found(oid)).toEqual(['OBJECT_MISSING bundles/faq/a', 'OBJECT_CORRUPT bundles/faq/b'])
  })

  it('throws when it is Git that fails, not the content', async () => {
    const away: ObjectReader = { read: () => Promise.reject(new Fault('REMOTE_UNAVAILABLE', 'away')) }
    expect(await faultReason(() => read('1'.repeat(40), away))).toBe('REMOTE_UNAVAILABLE')
    const broken: ObjectReader = { read: () => Promise.reject(new TypeError('a mistake of ours')) }
    await expect(read('1'.repeat(40), broken)).rejects.toThrow(TypeError)
  })
})
