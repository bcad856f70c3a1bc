import { buildTable, digestsIn, type Built } from '../tenants/build-table.ts'
import type { Bundles } from '../tenants/bundles.ts'
import type { Follower } from '../tenants/follow.ts'
import { machineMs, type Standing } from './calls.ts'
import { NOTHING_TOLD, withNews, type LedgerNews } from './ledger-news.ts'

export type ToldTable = {
  follower: Follower
  /** Resolves when what the news say is served. */
  tell(news: LedgerNews): Promise<void>
  stand(standing: Standing): void
}

/** The table of tenants of a worker, made of what its primary verified. */
export function openToldTable(bundles: Bundles, first: Standing, onSwap: () => void): ToldTable {
  let standing = first
  let built: Built | null = null
  let head: { seq: number; epoch: number; oid: string } | null = null
  let last: Promise<void> = Promise.resolve()

  async function serve(news: LedgerNews | null): Promise<void> {
    const known = built?.state ?? NOTHING_TOLD
    const next = await buildTable(bundles, news === null ? known : withNews(known, news), built)
    built = next
    if (news !== null) head = news
    onSwap()
    await bundles.retain(digestsIn(next.table))
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }

  return {
    follower: {
      tenant: (name) => built?.table.get(name) ?? null,
      tenants: () => built?.table.values() ?? [],
      status() {
        const { vouchedAtMs, seq, ...known } = standing
        const age_s = Math.max(0, (machineMs() - vouchedAtMs) / 1000)
        const policies = built?.policies ?? null
        if (head === null) return { ...known, status: 'starting', reason_code: 'STARTING', seq: -1, age_s, policies }
        const { epoch, oid } = head
        return { ...known, seq: Math.min(seq, head.seq), age_s, epoch, head: oid, policies }
      },
      sync: () => last,
      stop: () => last,
    },
    tell: (news) => inTurn(() => serve(news)),
    stand(now) {
      standing = now
      // What could not be had from the primary then may be had now.
      if (built?.isIncomplete === true) void inTurn(() => serve(null)).catch(() => undefined)
    },
  }
}
