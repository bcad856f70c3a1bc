import { createHash, hash } from 'node:crypto'

/** SHA-256 of nothing: the root of an empty tree (RFC 6962 section 2.1). */
export const EMPTY_ROOT = createHash('sha256').digest()

/** One-shot SHA-256; through text, because node:crypto makes a string in half the time that it takes for a Buffer. */
function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1')
}

/** `SHA-256(0x00 || entry)`: the hash of a leaf (RFC 6962 section 2.1). */
export function leafHash(entry: Uint8Array): Buffer {
  const prefixed = Buffer.allocUnsafe(entry.length + 1)
  prefixed[0] = 0
  prefixed.set(entry, 1)
  return sha256(prefixed)
}

/** The same for an entry that stands behind its zero byte already. */
export function hashLeaf(prefixed: Uint8Array): Buffer {
  return sha256(prefixed)
}

/** As `hashLeaf`, into 32 bytes that are there already. */
export function writeLeafHash(prefixed: Uint8Array, into: Buffer): void {
  into.write(hash('sha256', prefixed, 'binary'), 'latin1')
}

const pair = Buffer.alloc(65, 1)

/** `SHA-256(0x01 || left || right)`: the hash of an inner node (RFC 6962 section 2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  pair.set(left, 1)
  pair.set(right, 33)
  return sha256(pair)
}

/** A complete subtree: the node at `level` (0 is the leaves) that covers leaves `index << level` up to `(index + 1) << level`. */
export type NodeId = { level: number; index: number }

/** Hands out the hashes of complete subtrees of one log. */
export type NodeReader = (node: NodeId) => Promise<Buffer>

/** The complete subtrees that make up leaves `from` up to `to`, left to right, where `from` is a multiple of the size of the first. */
function subtrees(from: number, to: number): NodeId[] {
  const nodes: NodeId[] = []
  let at = from
  while (at < to) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level += 1
    nodes.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return nodes
}

async function foldRight(nodes: NodeId[], read: NodeReader): Promise<Buffer> {
  const hashes = await Promise.all(nodes.map((node) => read(node)))
  return hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** The root of the first `size` leaves. */
export async function rootAt(size: number, read: NodeReader): Promise<Buffer> {
  return size === 0 ? EMPTY_ROOT : foldRight(subtrees(0, size), read)
}

function splitPoint(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

/** Audit path of leaf `index` in the tree of `size` leaves, from the leaf upwards (RFC 6962 section 2.1.1). */
export async function inclusionProof(index: number, size: number, read: NodeReader): Promise<Buffer[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`leaf ${index} is not in a tree of ${size}`)
  const path: Promise<Buffer>[] = []
  let from = 0
  let to = size
  while (to - from > 1) {
    const middle = from + splitPoint(to - from)
    if (index < middle) {
      path.push(foldRight(subtrees(middle, to), read))
      to = middle
    } else {
      path.push(foldRight(subtrees(from, middle), read))
      from = middle
    }
  }
  return (await Promise.all(path)).reverse()
}

/** Proof that the tree of `size` leaves extends the tree of `old` leaves (RFC 6962 section 2.1.2). */
export async function consistencyProof(old: number, size: number, read: NodeReader): Promise<Buffer[]> {
  if (!(old >= 0 && old <= size)) throw new RangeError(`a tree of ${size} does not extend one of ${old}`)
  if (old === 0 || old === size) return []
  const path: Promise<Buffer>[] = []
  let from = 0
  let to = size
  while (to !== old) {
    const middle = from + splitPoint(to - from)
    if (old <= middle) {
      path.push(foldRight(subtrees(middle, to), read))
      to = middle
    } else {
      path.push(foldRight(subtrees(from, middle), read))
      from = middle
    }
  }
  if (from !== 0) path.push(foldRight(subtrees(from, to), read))
  return (await Promise.all(path)).reverse()
}
