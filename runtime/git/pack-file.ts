import type { FileHandle } from 'node:fs/promises'
import { Fault } from '../../schemas/fault.ts'
import type { ByteCache } from './byte-cache.ts'
import { isCode, openPlain } from './durable-fs.ts'
import { applyDelta, deltaSizes } from './delta.ts'
import { deflatedBound, inflateWithin } from './inflate.ts'
import { tooLarge } from './loose-objects.ts'
import { MAX_OBJECT_BYTES, type GitObject } from './object-reader.ts'
import { MAX_HEAD_BYTES, parseEntryHead, type EntryHead } from './pack-entry.ts'
import { readPackIndex } from './pack-index.ts'

/** Most entries of the ledger fit into one read of this size. */
const FIRST_READ_BYTES = 4096
/** Git itself never makes a chain longer than this. */
const MAX_CHAIN = 4095
/** Bytes that all links of one chain may make together. */
const MAX_CHAIN_BYTES = 8 * MAX_OBJECT_BYTES

export type PackFile = {
  readonly path: string
  holds(oid: string): boolean
  /**
   * What the pack holds under this oid, not yet hashed; `null` where its index does not name the oid.
   * @throws Fault `OBJECT_CORRUPT`, `OBJECT_TOO_LARGE` (from the head of the entry or of its delta, before inflating).
   */
  read(oid: string, maxBytes: number): Promise<GitObject | null>
  close(): Promise<void>
}

/** Opens a pack with its index, `null` where one of them is gone; it stays readable when a `git gc` removes its name. */
export async function openPackFile(path: string, cache: ByteCache): Promise<PackFile | null> {
  const handle = await openPlain(path)
  if (handle === null) return null
  if (handle === 'link') throw new Fault('REPOSITORY_UNSAFE', `${path} is a link; replace it by the file itself`)
  try {
    const index = await readPackIndex(path.replace(/\.pack$/, '.idx'))
    const number = cache.nextPack()
    return {
      path,
      holds: (oid) => index.find(Buffer.from(oid, 'hex')) !== null,
      async read(oid, maxBytes) {
        const offset = index.find(Buffer.from(oid, 'hex'))
        return offset === null
          ? null
          : readEntry({ path, number, handle, cache, find: index.find }, oid, offset, maxBytes)
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

export type PackSource = {
  path: string
  number: number
  handle: FileHandle
  cache: ByteCache
  find: (oid: Buffer) => number | null
}

/** Follows the deltas of one entry to the object that they make. */
export async function readEntry(pack: PackSource, oid: string, offset: number, maxBytes: number): Promise<GitObject> {
  const stepLimit = Math.max(maxBytes, MAX_OBJECT_BYTES)
  const links: { offset: number; delta: Buffer }[] = []
  let at = offset
  let total = 0
  let object = pack.cache.get(pack.number, at)
  while (object === null) {
    const { head, data } = await entryAt(pack, oid, at, links.length === 0 ? maxBytes : stepLimit, stepLimit)
    total += data.length
    if (head.type !== null) {
      object = { type: head.type, body: data }
      break
    }
    links.push({ offset: at, delta: data })
    if (links.length > MAX_CHAIN || total > MAX_CHAIN_BYTES)
      throw corrupt(pack, oid, at, 'its chain of deltas is too long')
    at = baseOffset(pack, oid, at, head)
    object = pack.cache.get(pack.number, at)
  }
  if (links.length === 0) {
    if (object.body.length > maxBytes) throw tooLarge(oid, `${object.body.length} bytes`, maxBytes)
    return { type: object.type, body: Buffer.from(object.body) }
  }
  pack.cache.set(pack.number, at, object)
  for (let i = links.length - 1; i >= 0; i--) {
    const link = links[i]
    if (link === undefined) break
    total += deltaSizes(link.delta)?.result ?? 0
    if (total > MAX_CHAIN_BYTES) throw corrupt(pack, oid, at, 'its chain of deltas makes too many bytes')
    const body: Buffer | null = applyDelta(object.body, link.delta)
    if (body === null) throw corrupt(pack, oid, link.offset, 'its delta does not fit its base')
    object = { type: object.type, body }
    if (i > 0) pack.cache.set(pack.number, link.offset, object)
  }
  return object
}

async function entryAt(pack: PackSource, oid: string, offset: number, maxBytes: number, stepLimit: number) {
  const first = await readAt(pack.handle, offset, FIRST_READ_BYTES)
  const head = parseEntryHead(first.subarray(0, MAX_HEAD_BYTES), offset)
  if (head === null) throw corrupt(pack, oid, offset, 'there is no entry of a pack')
  const limit = head.type === null ? stepLimit : maxBytes
  if (head.size > limit) throw tooLarge(oid, `${head.size} bytes`, limit)
  const most = head.length + deflatedBound(head.size)
  const bytes =
    most <= first.length || first.length < FIRST_READ_BYTES ? first : await readAt(pack.handle, offset, most)
  const data = await inflateWithin(bytes.subarray(head.length), head.size)
  if (data === null || data.length !== head.size) throw corrupt(pack, oid, offset, 'the entry is damaged or cut')
  if (head.type === null) {
    const result = deltaSizes(data)?.result
    if (result === undefined) throw corrupt(pack, oid, offset, 'the delta has no head')
    if (result > maxBytes) throw tooLarge(oid, `${result} bytes`, maxBytes)
  }
  return { head, data }
}

function baseOffset(pack: PackSource, oid: string, offset: number, head: EntryHead): number {
  if (head.base !== null && 'offset' in head.base) return head.base.offset
  const found = head.base === null ? null : pack.find(head.base.oid)
  if (found === null) throw corrupt(pack, oid, offset, 'the base of its delta is not in the pack')
  return found
}

async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

function corrupt(pack: { path: string }, oid: string, offset: number, what: string): Fault {
  return new Fault(
    'OBJECT_CORRUPT',
    `object ${oid}: ${pack.path} at byte ${offset}: ${what}; restore the pack from a clone`,
  )
}
