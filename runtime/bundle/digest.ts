import { createHash } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import { SEALED_FOLDER, type BundleFiles } from './files.ts'

/**
 * SHA-256, 64 hex digits, over one line `<sha256 hex of content>  <path>\n` per file, sorted by the bytes of the path:
 * what `sha256sum` prints, so that anyone can check it in a shell (DESIGN section 2).
 * @throws Fault `PATH_INVALID` for a path with a line feed, which could stand for two files.
 */
export function filesDigest(files: ReadonlyMap<string, Uint8Array>): string {
  const entries = [...files].map(([path, body]) => ({ path, key: Buffer.from(path), body }))
  const total = createHash('sha256')
  for (const { path, body } of entries.sort((a, b) => Buffer.compare(a.key, b.key))) {
    // sha256sum escapes these, and would print another line.
    if (path === '' || /[\n\r\\]/.test(path)) {
      throw new Fault(
        'PATH_INVALID',
        `a path without line feeds and backslashes was expected, found ${JSON.stringify(path)}`,
      )
    }
    total.update(`${sha256(body)}  ${path}\n`)
  }
  return total.digest('hex')
}

/** The identity of a sealed bundle: `sha256:` and the digest of all its files. */
export function bundleDigest(sealed: BundleFiles): string {
  return `sha256:${filesDigest(sealed)}`
}

/** `sha256:` and the digest of a bundle's files without `sealed/`. Of a source, that is; `sourceOf` brings one back. */
export function sourceDigest(files: BundleFiles): string {
  return `sha256:${filesDigest(new Map([...files].filter(([path]) => !path.startsWith(SEALED_FOLDER))))}`
}

/** `b-` and the first 32 hex digits of a source digest. */
export function bundleId(digest: string): string {
  const hex = /^(?:sha256:)?([0-9a-f]{32})[0-9a-f]{32}$/.exec(digest)?.[1]
  if (hex === undefined) throw new TypeError(`expected a SHA-256 digest, found ${JSON.stringify(digest)}`)
  return `b-${hex}`
}

const ID_LINE = /(?:^|\n)bundle_id: b-[0-9a-f]{32}\n$/

/**
 * The source that was sealed: without `sealed/` and without the last line of the manifest.
 * @throws Fault `BUNDLE_UNVERIFIED` where the manifest does not end in a `bundle_id`
 */
export function sourceOf(sealed: BundleFiles): BundleFiles {
  const manifest = sealed.get('manifest.yaml')?.toString() ?? ''
  const match = ID_LINE.exec(manifest)
  if (match === null) throw new Fault('BUNDLE_UNVERIFIED', 'manifest.yaml of a sealed bundle does not end in bundle_id')
  const text = manifest.slice(0, match.index + (match[0].startsWith('\n') ? 1 : 0))
  const source = [...sealed].filter(([path]) => !path.startsWith(SEALED_FOLDER))
  return new Map(source.map(([path, body]) => [path, path === 'manifest.yaml' ? Buffer.from(text) : body]))
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
