import { HEARTBEAT_BRANCH } from '../trust/heartbeat.ts'
import { LIVE_BRANCH, type VerifiedLedger } from '../trust/ledger.ts'
import type { SealedSource } from './bundles.ts'
import { coalesce } from './coalesce.ts'
import { openFollowedLedger, type LedgerFollowing } from './followed-ledger.ts'
import type { FollowStatus, ServedTenant } from './table.ts'
import { watchRefs } from './watch-refs.ts'

export type FollowOptions = Omit<LedgerFollowing, 'monotonicMs'> & {
  monotonicMs?: () => number
  pollIntervalMs: number
  /** Whether to watch the refs of a local registry, too. */
  watch: boolean
}

export type Follower = {
  tenant(name: string): ServedTenant | null
  tenants(): Iterable<ServedTenant>
  status(): FollowStatus
  /** Resolves after a whole look that began after the call. Never rejects: what is wrong stands in `status`. */
  sync(): Promise<void>
  stop(): Promise<void>
}

/** A follower that reads the ledger itself, and so can tell others of it. */
export type LedgerFollower = Follower & {
  /** What is served from; null before there is one. */
  ledger(): VerifiedLedger | null
  bundles: SealedSource
}

/** How often the tags in use are compared with `live`, besides every `sync` that is asked for. */
const TAGS_EVERY_MS = 30_000

/**
 * Follows `live`: verifies every head from the last one that was accepted, loads what changed, and swaps the table of
 * tenants in one step. What it cannot verify changes nothing but its status. Resolves when the state on disk is served,
 * or where there is none, after the first look.
 */
export async function follow(options: FollowOptions): Promise<LedgerFollower> {
  const { repository, log, pollIntervalMs } = options
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  const ledger = await openFollowedLedger({ ...options, monotonicMs })
  let tagsCheckedAt = -Infinity
  let isStopped = false

  const look = coalesce(async () => {
    if (isStopped) return
    const tags = monotonicMs() - tagsCheckedAt >= TAGS_EVERY_MS
    if (tags) tagsCheckedAt = monotonicMs()
    await ledger.look({ tags })
  })
  const hint = () => void look()

  const isLocal = repository.kind === 'local'
  const branches = [LIVE_BRANCH, HEARTBEAT_BRANCH]
  const watcher = options.watch && isLocal ? await watchRefs(repository.gitdir, branches, hint, log) : null
  const first = look()
  if (ledger.status().head === null) await first
  const timer = setInterval(hint, pollIntervalMs)

  return {
    tenant: (name) => ledger.table().get(name) ?? null,
    tenants: () => ledger.table().values(),
    status: () => ledger.status(),
    ledger: () => ledger.accepted(),
    bundles: ledger.source,
    sync() {
      tagsCheckedAt = -Infinity
      return look()
    },
    async stop() {
      clearInterval(timer)
      await watcher?.close()
      isStopped = true
      await look()
    },
  }
}
