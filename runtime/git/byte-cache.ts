import type { GitObject } from './object-reader.ts'

/**
 * The most recently used bases of deltas, within a number of bytes. A pack is named by a number of its own for each time
 * that it is opened, so that nothing of a damaged file is taken for what replaced it under the same name.
 */
export type ByteCache = {
  get(pack: number, offset: number): GitObject | null
  set(pack: number, offset: number, object: GitObject): void
  /** The number of a pack that is opened now. */
  nextPack(): number
}

export function byteCache(maxBytes: number): ByteCache {
  const entries = new Map<string, GitObject>()
  let held = 0
  let packs = 0
  return {
    nextPack: () => ++packs,
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
