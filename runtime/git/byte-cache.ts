import type { GitObject } from './object-reader.ts'

/** The most recently used bases of deltas, by pack and offset, within a number of bytes. */
export type ByteCache = {
  get(pack: string, offset: number): GitObject | null
  set(pack: string, offset: number, object: GitObject): void
}

export function byteCache(maxBytes: number): ByteCache {
  const entries = new Map<string, GitObject>()
  let held = 0
  return {
    get(pack, offset) {
      const key = `${pack}:${offset}`
      const entry = entries.get(key)
      if (entry === undefined) return null
      entries.delete(key)
      entries.set(key, entry)
      return entry
    },
    set(pack, offset, object) {
      const key = `${pack}:${offset}`
      if (object.body.length > maxBytes / 8 || entries.has(key)) return
      entries.set(key, object)
      held += object.body.length
      for (const [oldest, { body }] of entries) {
        if (held <= maxBytes) return
        entries.delete(oldest)
        held -= body.length
      }
    },
  }
}
