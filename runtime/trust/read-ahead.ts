import { parseCommit } from '../git/commit-object.ts'
import type { ObjectReader } from '../git/object-reader.ts'

export type AheadReader = ObjectReader & {
  /** Begins to read a commit and its tree, which will be asked for soon. */
  ahead(oid: string): void
}

const REMEMBERED = 256
const MOST_BYTES = 64 * 1024

/**
 * Remembers the last commits and trees: each entry of a ledger is compared with the one before, whose trees were read a
 * moment ago. Faults are not remembered.
 */
export function readAhead(reader: ObjectReader): AheadReader {
  const known = new Map<string, Promise<Buffer>>()

  const read: ObjectReader['read'] = (oid, type, maxBytes) => {
    if (type === 'blob' || type === 'tag') return reader.read(oid, type, maxBytes)
    const key = `${type} ${oid}`
    const found = known.get(key)
    if (found !== undefined) return found
    const reading = reader.read(oid, type, maxBytes)
    known.set(key, reading)
    if (known.size > REMEMBERED) known.delete(known.keys().next().value ?? key)
    reading.then(
      (body) => body.length > MOST_BYTES && known.delete(key),
      () => known.delete(key),
    )
    return reading
  }

  return {
    read,
    ahead(oid) {
      // Whoever needs it asks again and is told what is wrong.
      const unread = () => undefined
      void read(oid, 'commit')
        .then((raw) => read(parseCommit(raw).tree, 'tree'))
        .catch(unread)
    },
  }
}
