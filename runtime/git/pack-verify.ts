import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Fault } from '../../schemas/fault.ts'
import { applyDelta, deltaSizes } from './delta.ts'
import { deflatedBound, inflateMeasured } from './inflate.ts'
import { objectId, type GitObject } from './object-reader.ts'
import { parseEntryHead, type EntryHead } from './pack-entry.ts'

export type PackLimits = { maxObjects: number; maxObjectBytes: number }
export type PackedEntry = { oid: string; offset: number; crc: number }
type Entry = { offset: number; head: EntryHead; crc: number }

const HEADER_BYTES = 12
const TRAILER_BYTES = 20
/** Bytes of objects that are held at once while deltas are followed. */
const MAX_HELD_BYTES = 256 * 1024 * 1024

/**
 * Reads a whole pack, trusting nothing: its header, its trailer, that its entries fill it, that each object is within
 * its size before it is made, and what each object hashes to. `visit` sees every object once.
 * @throws Fault `REMOTE_INVALID`.
 */
export function verifyPack(
  pack: Buffer,
  limits: PackLimits,
  visit: (oid: string, object: GitObject) => void,
): { entries: PackedEntry[]; trailer: Buffer } {
  const trailer = verifyFrame(pack, limits)
  const entries = scanEntries(pack, limits)
  const found: PackedEntry[] = []
  const seen = new Set<string>()
  const childrenAt = new Map<number | string, Entry[]>()
  for (const entry of entries) {
    if (entry.head.base === null) continue
    const base = 'offset' in entry.head.base ? entry.head.base.offset : entry.head.base.oid.toString('hex')
    const children = childrenAt.get(base)
    if (children === undefined) childrenAt.set(base, [entry])
    else children.push(entry)
  }

  const take = (entry: Entry, object: GitObject): Entry[] => {
    const oid = objectId(object.type, object.body)
    if (seen.has(oid)) throw invalid(`object ${oid} stands in it twice`)
    seen.add(oid)
    found.push({ oid, offset: entry.offset, crc: entry.crc })
    visit(oid, object)
    return [...(childrenAt.get(entry.offset) ?? []), ...(childrenAt.get(oid) ?? [])]
  }

  for (const entry of entries) {
    if (entry.head.type === null) continue
    const object = { type: entry.head.type, body: dataOf(pack, entry) }
    const stack = [{ object, children: take(entry, object) }]
    let held = object.body.length
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const child = top.children.pop()
      if (top.children.length === 0) {
        stack.pop()
        held -= top.object.body.length
      }
      if (child === undefined) continue
      const made = { type: top.object.type, body: apply(pack, child, top.object.body, limits) }
      held += made.body.length
      if (held > MAX_HELD_BYTES) throw invalid('its deltas need too much memory')
      stack.push({ object: made, children: take(child, made) })
    }
  }
  if (found.length !== entries.length)
    throw invalid(`${entries.length - found.length} of its deltas have no base in it`)
  return { entries: found, trailer }
}

function verifyFrame(pack: Buffer, limits: PackLimits): Buffer {
  if (pack.length < HEADER_BYTES + TRAILER_BYTES || pack.toString('latin1', 0, 4) !== 'PACK')
    throw invalid('it does not begin as a pack')
  if (pack.readUInt32BE(4) !== 2) throw invalid(`expected version 2, found ${pack.readUInt32BE(4)}`)
  if (pack.readUInt32BE(8) > limits.maxObjects)
    throw invalid(`expected at most ${limits.maxObjects} objects, found ${pack.readUInt32BE(8)}`)
  const trailer = pack.subarray(-TRAILER_BYTES)
  const actual = createHash('sha1').update(pack.subarray(0, -TRAILER_BYTES)).digest()
  if (!actual.equals(trailer)) throw invalid('its checksum is wrong: it was cut or changed on the way')
  return trailer
}

function scanEntries(pack: Buffer, limits: PackLimits): Entry[] {
  const end = pack.length - TRAILER_BYTES
  const count = pack.readUInt32BE(8)
  const entries: Entry[] = []
  let offset = HEADER_BYTES
  for (let i = 0; i < count; i++) {
    const head = offset < end ? parseEntryHead(pack.subarray(offset, end), offset) : null
    if (head === null) throw invalid(`there is no entry at byte ${offset}`)
    if (head.size > limits.maxObjectBytes)
      throw invalid(`an object of ${head.size} bytes is larger than ${limits.maxObjectBytes}`)
    const data = pack.subarray(offset + head.length, Math.min(end, offset + head.length + deflatedBound(head.size)))
    const inflated = inflateMeasured(data, head.size)
    if (inflated === null || inflated.data.length !== head.size) throw invalid(`the entry at byte ${offset} is damaged`)
    const next = offset + head.length + inflated.consumed
    entries.push({ offset, head, crc: crc32(pack.subarray(offset, next)) })
    offset = next
  }
  if (offset !== end) throw invalid(`it has ${end - offset} bytes more than its ${count} objects`)
  return entries
}

function apply(pack: Buffer, entry: Entry, base: Buffer, limits: PackLimits): Buffer {
  const delta = dataOf(pack, entry)
  const size = deltaSizes(delta)?.result ?? Infinity
  if (size > limits.maxObjectBytes) throw invalid(`an object of ${size} bytes is larger than ${limits.maxObjectBytes}`)
  const body = applyDelta(base, delta)
  if (body === null) throw invalid(`the delta at byte ${entry.offset} does not fit its base`)
  return body
}

function dataOf(pack: Buffer, { offset, head }: Entry): Buffer {
  const start = offset + head.length
  const inflated = inflateMeasured(pack.subarray(start, start + deflatedBound(head.size)), head.size)
  if (inflated === null) throw invalid(`the entry at byte ${offset} is damaged`)
  return inflated.data
}

function invalid(what: string): Fault {
  return new Fault('REMOTE_INVALID', `the pack that the server sent: ${what}`)
}
