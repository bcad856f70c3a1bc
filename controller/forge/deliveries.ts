/** Deliveries that were seen, the newest of them. */
export type Deliveries = {
  /** True where one of these names was seen before; from now on all of them are. */
  seen: (names: readonly string[]) => boolean
}

const MAX_KEPT = 4_096

export function openDeliveries(): Deliveries {
  const kept = new Set<string>()
  return {
    seen(names) {
      const known = names.some((name) => kept.has(name))
      for (const name of names) kept.add(name)
      for (const name of kept) {
        if (kept.size <= MAX_KEPT) break
        kept.delete(name)
      }
      return known
    },
  }
}
