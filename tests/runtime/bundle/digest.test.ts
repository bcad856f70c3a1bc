import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bundleDigest, bundleId, filesDigest, sourceDigest, sourceOf } from '../../../runtime/bundle/digest.ts'
import { pathProblem } from '../../../runtime/bundle/files.ts'
import { faqBundle } from '../../support/faq-bundle.ts'
import { faultReason } from '../../support/fault-reason.ts'
import { mustRun } from '../../support/shell.ts'

const IN_A_SHELL = "find . -type f | sed 's|^\\./||' | LC_ALL=C sort | xargs sha256sum | sha256sum"

async function shellDigest(files: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'digest-'))
  try {
    for (const [path, body] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), body)
    }
    return (await mustRun(IN_A_SHELL, folder, process.env)).slice(0, 64)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('the digest of files', () => {
  it('is what sha256sum prints in a shell', async () => {
    const files = faqBundle({
      'README.md': '',
      'a-b': 'x',
      'a.b': 'x',
      'a/b': 'x',
      A: 'x',
      a0: new Uint8Array([0, 255]),
    })
    expect(filesDigest(files)).toBe(await shellDigest(files))
  })

  it('is what sha256sum prints in a shell, whatever the names and contents', async () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/)
    const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
    const entries = fc.uniqueArray(
      fc.tuple(
        path.filter((name) => pathProblem(name) === null),
        fc.uint8Array({ maxLength: 20 }),
      ),
      {
        minLength: 1,
        maxLength: 8,
        comparator: ([a], [b]) => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`),
      },
    )
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        const files = new Map(given)
        expect(filesDigest(files)).toBe(await shellDigest(files))
      }),
      { numRuns: 15 },
    )
  })

  it('does not depend on the order of files', () => {
    const files = faqBundle()
    expect(bundleDigest(new Map([...files].reverse()))).toBe(bundleDigest(files))
  })

  it.each(['a\nb', 'a\\b', 'a\rb', ''])(
    'is not made of a path such as %j, which sha256sum would escape',
    async (path) => {
      expect(await faultReason(() => filesDigest(new Map([[path, Buffer.alloc(0)]])))).toBe('PATH_INVALID')
    },
  )
})

describe('the identity of a bundle', () => {
  const source = faqBundle()
  const id = bundleId(sourceDigest(source))
  const manifest = `${source.get('manifest.yaml')?.toString()}bundle_id: ${id}\n`
  const sealed = new Map([
    ...source,
    ['manifest.yaml', Buffer.from(manifest)],
    ['sealed/router.bin', Buffer.from('x')],
  ] as const)

  it('is b- and the first 32 digits of the source digest', () => {
    expect(id).toBe(`b-${filesDigest(source).slice(0, 32)}`)
  })

  it('is that of the source again when the seal is taken off', () => {
    expect([...sourceOf(sealed)]).toEqual([...source])
    expect(bundleId(sourceDigest(sourceOf(sealed)))).toBe(id)
  })

  it('cannot be taken off what was not sealed', async () => {
    expect(await faultReason(() => sourceOf(source))).toBe('BUNDLE_UNVERIFIED')
    expect(await faultReason(() => sourceOf(new Map()))).toBe('BUNDLE_UNVERIFIED')
  })
})
