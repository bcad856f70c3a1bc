import { filesDigest } from '../bundle/digest.ts'

/**
 * Digest of governance, in the format of a bundle's digest: `sha256:` over one line `<sha256>  <path>` per file,
 * sorted by path bytes. Paths are those of `main`.
 */
export function governanceDigest(texts: ReadonlyMap<string, string>): string {
  return `sha256:${filesDigest(new Map([...texts].map(([path, text]) => [path, Buffer.from(text)])))}`
}
