import { objectId, type GitObject, type ObjectReader, type ObjectWriter } from '../../../runtime/git/object-reader.ts'
import { Fault } from '../../../schemas/fault.ts'

/** The objects of a repository, and on top of them objects in memory: commits can be judged that nobody has made yet. */
export function overlayObjects(below: ObjectReader): ObjectReader & ObjectWriter {
  const objects = new Map<string, GitObject>()
  return {
    async read(oid, type, maxBytes) {
      const found = objects.get(oid)
      if (found === undefined) return below.read(oid, type, maxBytes)
      if (found.type !== type) throw new Fault('OBJECT_CORRUPT', `${oid} is a ${found.type}, not a ${type}`)
      if (maxBytes !== undefined && found.body.length > maxBytes)
        throw new Fault('OBJECT_TOO_LARGE', `${oid} has ${found.body.length} bytes, and ${maxBytes} are allowed`)
      return found.body
    },
    write(type, body) {
      const oid = objectId(type, body)
      objects.set(oid, { type, body: Buffer.from(body) })
      return Promise.resolve(oid)
    },
  }
}
