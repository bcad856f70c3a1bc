import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Fault } from '../../schemas/fault.ts'

const MAGIC = Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2])
const FANOUT = 8
const NAMES = FANOUT + 256 * 4

/** Where each object of a pack begins. Only a hint: what is read there is hashed again. */
export type PackIndex = { find: (oid: Buffer) => number | null }

/** @throws Fault `OBJECT_CORRUPT` for anything but a whole version 2 index. */
export async function readPackIndex(path: string): Promise<PackIndex> {
  return parsePackIndex(await readFile(path), path)
}

export function parsePackIndex(bytes: Buffer, path: string): PackIndex {
  const corrupt = (what: string) => new Fault('OBJECT_CORRUPT', `${path}: ${what}; run git index-pack on the pack`)
  if (bytes.length < NAMES + 40 || !bytes.subarray(0, 8).equals(MAGIC))
    throw corrupt('expected a pack index of version 2')
  const trailer = bytes.subarray(-20)
  if (!createHash('sha1').update(bytes.subarray(0, -20)).digest().equals(trailer))
    throw corrupt('its checksum is wrong')
  const fanout = Array.from({ length: 256 }, (_, i) => bytes.readUInt32BE(FANOUT + i * 4))
  if (fanout.some((value, i) => value < (fanout[i - 1] ?? 0))) throw corrupt('its fan-out table is not sorted')
  const count = fanout[255] ?? 0
  const offsets = NAMES + count * 24
  const large = offsets + count * 4
  if (bytes.length < large + 40) throw corrupt('it is cut')

  const offsetAt = (index: number): number | null => {
    const value = bytes.readUInt32BE(offsets + index * 4)
    if (value < 0x80000000) return value
    const at = large + (value - 0x80000000) * 8
    return at + 8 > bytes.length - 40 ? null : Number(bytes.readBigUInt64BE(at))
  }
  return {
    find(oid) {
      const first = oid[0] ?? 0
      let low = fanout[first - 1] ?? 0
      let high = fanout[first] ?? 0
      while (low < high) {
        const middle = (low + high) >>> 1
        const at = NAMES + middle * 20
        const order = oid.compare(bytes, at, at + 20)
        if (order === 0) return offsetAt(middle)
        if (order < 0) high = middle
        else low = middle + 1
      }
      return null
    },
  }
}

/** The bytes of an index, for a pack whose objects were all read and hashed. */
export function formatPackIndex(
  entries: readonly { oid: string; offset: number; crc: number }[],
  packTrailer: Buffer,
): Buffer {
  const sorted = entries.toSorted((a, b) => (a.oid < b.oid ? -1 : 1))
  const fanout = Buffer.alloc(256 * 4)
  const names = Buffer.alloc(sorted.length * 20)
  const checks = Buffer.alloc(sorted.length * 4)
  const offsets = Buffer.alloc(sorted.length * 4)
  const large: Buffer[] = []
  const counts = Array.from({ length: 256 }, () => 0)
  sorted.forEach(({ oid, offset, crc }, i) => {
    names.write(oid, i * 20, 'hex')
    const first = Number.parseInt(oid.slice(0, 2), 16)
    counts[first] = (counts[first] ?? 0) + 1
    checks.writeUInt32BE(crc, i * 4)
    if (offset < 0x80000000) offsets.writeUInt32BE(offset, i * 4)
    else {
      offsets.writeUInt32BE(0x80000000 + large.length, i * 4)
      const wide = Buffer.alloc(8)
      wide.writeBigUInt64BE(BigInt(offset))
      large.push(wide)
    }
  })
  let total = 0
  counts.forEach((n, i) => fanout.writeUInt32BE((total += n), i * 4))
  const body = Buffer.concat([MAGIC, fanout, names, checks, offsets, ...large, packTrailer])
  return Buffer.concat([body, createHash('sha1').update(body).digest()])
}
