import { Fault } from '../../schemas/fault.ts'
import { objectId, type GitObject, type ObjectReader, type ObjectWriter } from '../../runtime/git/object-reader.ts'

export type MemoryObjects = ObjectReader & ObjectWriter & { objects: Map<string, GitObject> }

/** Git objects in memory, for tests of what is made of them. */
export function memoryObjects(): MemoryObjects {
  const objects = new Map<string, GitObject>()
  return {
    objects,
    async read(oid, type, maxBytes = Infinity) {
      const found = objects.get(oid)
      if (found === undefined) throw new Fault('OBJECT_MISSING', oid)
      if (found.type !== type) throw new Fault('OBJECT_CORRUPT', `${oid} is a ${found.type}, not a ${type}`)
      if (found.body.length > maxBytes) throw new Fault('OBJECT_TOO_LARGE', oid)
      return found.body
    },
    async write(type, body) {
      const oid = objectId(type, body)
      objects.set(oid, { type, body: Buffer.from(body) })
      return oid
    },
  }
}
