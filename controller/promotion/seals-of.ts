import type { SealRecord } from '../../schemas/ledger/state.ts'

const byBundle = new WeakMap<ReadonlyMap<string, SealRecord>, Map<string, SealRecord[]>>()

/** The seals of one bundle, oldest first. The index is made once for a map of seals, which never changes. */
export function sealsOf(seals: ReadonlyMap<string, SealRecord>, bundle: string): readonly SealRecord[] {
  let index = byBundle.get(seals)
  if (index === undefined) {
    index = new Map<string, SealRecord[]>()
    for (const seal of [...seals.values()].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0)))
      index.set(seal.bundle, [...(index.get(seal.bundle) ?? []), seal])
    byBundle.set(seals, index)
  }
  return index.get(bundle) ?? []
}
