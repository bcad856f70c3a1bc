import type { FeatureTable } from './model.ts'

export type FindFeature = (high: number, low: number) => number

/** Finds the number of a feature by its hash, or -1; an open table at most half full. */
export function hashIndex({ count, high, low }: FeatureTable): FindFeature {
  let size = 16
  while (size < count * 2) size *= 2
  const mask = size - 1
  const slots = new Int32Array(size).fill(-1)
  for (let i = 0; i < count; i++) {
    let slot = (high[i] as number) & mask
    while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask
    slots[slot] = i
  }
  return (wantedHigh, wantedLow) => {
    let slot = wantedHigh & mask
    for (let at = slots[slot] as number; at >= 0; at = slots[slot] as number) {
      if (high[at] === wantedHigh && low[at] === wantedLow) return at
      slot = (slot + 1) & mask
    }
    return -1
  }
}
