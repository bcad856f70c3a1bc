import { EMPTY_ROOT, nodeHash } from './merkle.ts'

/** The root that an audit path leads to; null when the path has the wrong length (RFC 9162 section 2.1.3.2). */
export function rootFromInclusion(index: number, size: number, leaf: Buffer, path: readonly Buffer[]): Buffer | null {
  if (!(index >= 0 && index < size)) return null
  let node = index
  let last = size - 1
  let root = leaf
  for (const sibling of path) {
    if (last === 0) return null
    if (node % 2 === 1 || node === last) {
      root = nodeHash(sibling, root)
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2)
        last = Math.floor(last / 2)
      }
    } else {
      root = nodeHash(root, sibling)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 ? root : null
}

/** Whether `path` proves that the tree of `size` with `root` extends the tree of `old` with `oldRoot` (RFC 9162 section 2.1.4.2). */
export function isConsistent(
  old: { size: number; root: Buffer },
  now: { size: number; root: Buffer },
  path: readonly Buffer[],
): boolean {
  if (old.size > now.size) return false
  if (old.size === now.size) return path.length === 0 && old.root.equals(now.root)
  if (old.size === 0) return path.length === 0 && old.root.equals(EMPTY_ROOT)
  const full = isPowerOfTwo(old.size) ? [old.root, ...path] : [...path]
  const start = full.shift()
  if (start === undefined) return false
  let node = old.size - 1
  let last = now.size - 1
  while (node % 2 === 1) {
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  let before = start
  let after = start
  for (const sibling of full) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      before = nodeHash(sibling, before)
      after = nodeHash(sibling, after)
      while (node % 2 === 0 && node !== 0) {
        node = Math.floor(node / 2)
        last = Math.floor(last / 2)
      }
    } else {
      after = nodeHash(after, sibling)
    }
    node = Math.floor(node / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && before.equals(old.root) && after.equals(now.root)
}

function isPowerOfTwo(size: number): boolean {
  return Number.isInteger(Math.log2(size))
}
