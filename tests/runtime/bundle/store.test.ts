import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeBundle, encodeBundle } from '../../../runtime/bundle/container.ts'
import { bundleDigest } from '../../../runtime/bundle/digest.ts'
import { openBundleStore, type BundleStore } from '../../../runtime/bundle/store.ts'
import { faqBundle } from '../../support/faq-bundle.ts'
import { faultReason } from '../../support/fault-reason.ts'

let folder: string
let store: BundleStore
let clock: number
const now = () => new Date((clock += 1_000))
const open = (maxBytes = 1e9) => openBundleStore({ folder: join(folder, 'bundles'), maxBytes, now })
const files = faqBundle()
const digest = bundleDigest(files)
const pathOf = (of: string) => join(folder, 'bundles', `${of.slice(7)}.bundle`)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'))
  clock = Date.parse('2026-01-01T00:00:00Z')
  store = await open()
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the store of bundles', () => {
  it('gives back what was put into it, also after a restart', async () => {
    await store.put(digest, files)
    const { files: again } = await (await open()).get(digest)
    expect(again).toEqual(files)
  })

  it('knows nothing of what was not put into it', async () => {
    expect(await store.get(digest)).toEqual({ files: null, damage: null })
  })

  it('takes nothing under a digest that is not its own', async () => {
    expect(await faultReason(() => store.put(`sha256:${'0'.repeat(64)}`, files))).toBe('DIGEST_MISMATCH')
    expect(await readdir(join(folder, 'bundles'))).toEqual(['damaged'])
  })

  it.each(['', '../x', `sha256:${'0'.repeat(63)}/`, `sha256:${'A'.repeat(64)}`])(
    'is asked by no name such as %j',
    async (name) => {
      expect(await faultReason(() => store.get(name))).toBe('BUNDLE_UNVERIFIED')
    },
  )

  it('is written for its owner only, and leaves nothing half-written', async () => {
    await Promise.all([store.put(digest, files), store.put(digest, files), store.put(digest, files)])
    expect((await stat(pathOf(digest))).mode & 0o777).toBe(0o600)
    expect((await readdir(join(folder, 'bundles'))).sort()).toEqual([`${digest.slice(7)}.bundle`, 'damaged'].sort())
  })

  it('sweeps what a process left that ended in the middle of a write', async () => {
    await writeFile(join(folder, 'bundles', '.tmp-x'), 'half')
    await open()
    expect(await readdir(join(folder, 'bundles'))).toEqual(['damaged'])
  })

  it('goes on when its folder is deleted under it', async () => {
    await store.put(digest, files)
    await rm(join(folder, 'bundles'), { recursive: true })
    expect(await store.get(digest)).toEqual({ files: null, damage: null })
    await store.put(digest, files)
    expect((await store.get(digest)).files).not.toBeNull()
  })
})

describe('a damaged entry', () => {
  const damages: [string, (path: string) => Promise<unknown>][] = [
    ['empty', (path) => truncate(path, 0)],
    ['cut off', async (path) => truncate(path, (await stat(path)).size - 1)],
    ['longer', async (path) => writeFile(path, Buffer.concat([await readFile(path), Buffer.from('x')]))],
    [
      'of other content',
      async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('five days', 'nine days')),
    ],
    ['of another name', async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('card.j2', 'evil.j2'))],
    [
      'of a path that leads out',
      async (path) => writeFile(path, (await readFile(path, 'utf8')).replace('manifest.yaml', '../../../x.ya')),
    ],
    ['another bundle', (path) => writeFile(path, encodeBundle(faqBundle({ 'README.md': 'x' })))],
    ['no bundle at all', (path) => writeFile(path, 'hello')],
    [
      'a link to the right bytes',
      async (path) => {
        await rename(path, `${path}.elsewhere`)
        await symlink(`${path}.elsewhere`, path)
      },
    ],
  ]
  it.each(damages)('that is %s is a miss, set aside, and told', async (_what, damage) => {
    await store.put(digest, files)
    await damage(pathOf(digest))
    const { files: got, damage: told } = await store.get(digest)
    expect(got).toBeNull()
    expect(told).not.toBeNull()
    expect(await readdir(join(folder, 'bundles', 'damaged'))).toHaveLength(1)
    expect(await store.get(digest)).toEqual({ files: null, damage: null })
    await store.put(digest, files)
    expect((await store.get(digest)).files).not.toBeNull()
  })

  it('never gets through, whichever byte is flipped', async () => {
    const good = encodeBundle(files)
    for (let at = 0; at < good.length; at += 37) {
      const bytes = Buffer.from(good)
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
      const { files: got } = decodeBundle(bytes)
      expect(got !== null && bundleDigest(got) === digest && got.size === files.size, `byte ${at}`).toBe(false)
    }
  })

  it('is kept only so many times', async () => {
    for (let time = 0; time < 12; time++) {
      await store.put(digest, files)
      await writeFile(pathOf(digest), 'x')
      await store.get(digest)
    }
    expect((await readdir(join(folder, 'bundles', 'damaged'))).length).toBeLessThanOrEqual(8)
  })

  it('that is arbitrary bytes never makes the reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.concat([Buffer.from('contractor-bundle 1\n'), bytes])
        expect(decodeBundle(text).files === null || decodeBundle(text).problem === null).toBe(true)
      }),
    )
  })
})

describe('eviction', () => {
  const bundles = ['a', 'b', 'c'].map((text) => faqBundle({ 'README.md': text.repeat(10_000) }))
  const digests = bundles.map(bundleDigest)
  const [first = '', second = '', third = ''] = digests

  beforeEach(async () => {
    store = await open(25_000)
    for (const [at, bundle] of bundles.entries()) await store.put(digests[at] ?? '', bundle)
    for (const each of digests) await store.get(each)
  })

  it('removes what was not used for the longest time, and no more than it must', async () => {
    await store.get(first)
    expect(await store.evict(new Set())).toEqual([second])
    expect((await store.get(third)).files).not.toBeNull()
    expect(await store.evict(new Set())).toEqual([])
  })

  it('never removes what is in use', async () => {
    expect(await store.evict(new Set(digests))).toEqual([])
    expect(await store.evict(new Set([first, second]))).toEqual([third])
  })
})

it('a store that may not be read is an error, not a miss', async () => {
  await store.put(digest, files)
  await chmod(pathOf(digest), 0o000)
  if (process.getuid?.() === 0) expect((await store.get(digest)).files).not.toBeNull()
  else await expect(store.get(digest)).rejects.toThrow('EACCES')
})
