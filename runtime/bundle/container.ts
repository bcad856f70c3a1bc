import { BUNDLE_LIMITS, pathProblem, type BundleFiles } from './files.ts'

const MAGIC = 'contractor-bundle 1\n'
const MAX_INDEX_BYTES = 512 * 1024
export const MAX_ENCODED_BYTES = BUNDLE_LIMITS.bytes + BUNDLE_LIMITS.sealedBytes + MAX_INDEX_BYTES + MAGIC.length

/**
 * A bundle in one file, so that one rename makes all of it appear: a line that says what it is, a line of JSON with
 * `[path, bytes]` for each file, sorted, and the files one after another. The digest vouches for it, not this form.
 */
export function encodeBundle(files: BundleFiles): Buffer {
  const sorted = [...files].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const index = JSON.stringify(sorted.map(([path, body]) => [path, body.length]))
  return Buffer.concat([Buffer.from(`${MAGIC}${index}\n`), ...sorted.map(([, body]) => body)])
}

/** Never throws: what is not such a file is a problem in words. */
export function decodeBundle(bytes: Buffer): { files: BundleFiles; problem: null } | { files: null; problem: string } {
  const refuse = (problem: string) => ({ files: null, problem })
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return refuse('it does not begin as a cached bundle does')
  const end = bytes.subarray(0, MAGIC.length + MAX_INDEX_BYTES).indexOf(10, MAGIC.length)
  const index = end === -1 ? null : parseIndex(bytes.toString('utf8', MAGIC.length, end))
  if (index === null) return refuse('its index is damaged')
  const files = new Map<string, Buffer>()
  let at = end + 1
  for (const [path, length] of index) {
    if (pathProblem(path) !== null || files.has(path)) return refuse('its index names a path that it may not')
    files.set(path, Buffer.from(bytes.subarray(at, at + length)))
    at += length
  }
  return at === bytes.length ? { files, problem: null } : refuse(`expected ${at} bytes, found ${bytes.length}`)
}

function parseIndex(text: string): [string, number][] | null {
  try {
    const index: unknown = JSON.parse(text)
    return Array.isArray(index) && index.every(isIndexEntry) ? index : null
  } catch {
    return null
  }
}

function isIndexEntry(entry: unknown): entry is [string, number] {
  if (!Array.isArray(entry) || entry.length !== 2) return false
  const [path, length]: unknown[] = entry
  return typeof path === 'string' && Number.isSafeInteger(length) && (length as number) >= 0
}
