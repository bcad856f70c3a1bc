import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { openPlain } from './durable-fs.ts'
import { deflatedBound, inflateStart, inflateWithin } from './inflate.ts'
import { objectId, type GitObject, type ObjectType } from './object-reader.ts'

const TYPES: Record<string, ObjectType> = { commit: 'commit', tree: 'tree', blob: 'blob', tag: 'tag' }
/** `commit 33554432\0` and a little more. */
const MAX_HEADER_BYTES = 32
/** A file of this size cannot inflate to more than 4 MiB: only larger ones are looked into first. */
const PEEK_ABOVE_BYTES = 4096

export function loosePath(objects: string, oid: string): string {
  return join(objects, oid.slice(0, 2), oid.slice(2))
}

/**
 * One loose object, hashed again. `null` where there is no such file.
 * @throws Fault `OBJECT_CORRUPT` for a torn, swapped or linked file, `OBJECT_TOO_LARGE` before it is inflated.
 */
export async function readLoose(objects: string, oid: string, maxBytes: number): Promise<GitObject | null> {
  const path = loosePath(objects, oid)
  const bytes = await readPlainFile(path, oid, maxBytes)
  if (bytes === null) return null
  if (bytes.length > PEEK_ABOVE_BYTES) headerOf(inflateStart(bytes, PEEK_ABOVE_BYTES), oid, path, maxBytes)
  const whole = await inflateWithin(bytes, MAX_HEADER_BYTES + maxBytes)
  if (whole === null) {
    headerOf(inflateStart(bytes, PEEK_ABOVE_BYTES), oid, path, maxBytes)
    throw corrupt(oid, path, 'it is damaged or cut')
  }
  const { type, size, length } = headerOf(whole, oid, path, maxBytes)
  const body = whole.subarray(length)
  if (body.length !== size) throw corrupt(oid, path, `its header says ${size} bytes, but it holds ${body.length}`)
  const actual = objectId(type, body)
  if (actual !== oid) throw corrupt(oid, path, `its content is ${type} ${actual}`)
  return { type, body }
}

async function readPlainFile(path: string, oid: string, maxBytes: number): Promise<Buffer | null> {
  const handle = await openPlain(path)
  if (handle === null) return null
  if (handle === 'link') throw corrupt(oid, path, 'it is a link')
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw corrupt(oid, path, 'it is not a plain file')
    if (stat.size > deflatedBound(MAX_HEADER_BYTES + maxBytes))
      throw tooLarge(oid, `${stat.size} compressed bytes`, maxBytes)
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

function headerOf(start: Buffer | null, oid: string, path: string, maxBytes: number) {
  const end = start?.subarray(0, MAX_HEADER_BYTES).indexOf(0) ?? -1
  const match = start === null || end < 0 ? null : /^([a-z]+) (0|[1-9]\d{0,14})$/.exec(start.toString('latin1', 0, end))
  const type = TYPES[match?.[1] ?? '']
  if (match === null || type === undefined) throw corrupt(oid, path, 'it does not begin with the header of an object')
  const size = Number(match[2])
  if (size > maxBytes) throw tooLarge(oid, `${size} bytes`, maxBytes)
  return { type, size, length: end + 1 }
}

export function tooLarge(oid: string, found: string, maxBytes: number): Fault {
  return new Fault('OBJECT_TOO_LARGE', `object ${oid}: expected at most ${maxBytes} bytes, found ${found}`)
}

function corrupt(oid: string, path: string, what: string): Fault {
  return new Fault('OBJECT_CORRUPT', `object ${oid}: ${path}: ${what}; restore it from a clone`)
}
