import { Fault } from '../../schemas/fault.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import type { BundleStore } from '../bundle/store.ts'
import type { Repository } from '../git/repository.ts'
import type { Log } from '../http/log.ts'
import { LIVE_REF, MAX_COMMIT_BYTES, verifyLedger, type VerifiedLedger } from '../trust/ledger.ts'
import { readChanges } from '../trust/state.ts'
import { aliasesIn, buildTable, digestsIn, type Built } from './build-table.ts'
import { createBundles, createSealedSource, displacedTags, type SealedSource } from './bundles.ts'
import { createHearing, type SignedLease } from './hearing.ts'
import { openSnapshot } from './snapshot.ts'
import { statusOf, type Troubles } from './follow-status.ts'
import type { FollowStatus, TenantTable } from './table.ts'

export type LedgerFollowing = {
  repository: Repository
  root: Root
  /** Where the accepted head and the last heartbeat are kept. */
  stateDir: string
  bundleStore: BundleStore
  runtimeVersion: string
  now: () => Date
  /** Milliseconds of a clock that never jumps. */
  monotonicMs: () => number
  log: Log
  /** A root-signed lease, for a site that hears no controller. */
  readLease?: (() => Promise<SignedLease>) | undefined
  /** Called after a swap, with what is served from then on. */
  onSwap?: ((ledger: VerifiedLedger) => void) | undefined
}

export type FollowedLedger = {
  /** Looks once at the repository. Never throws: what is wrong stands in `status`, and what was accepted stays. */
  look(options: { tags: boolean }): Promise<void>
  table(): TenantTable
  status(): FollowStatus
  /** What was accepted last; null before there is one. */
  accepted(): VerifiedLedger | null
  source: SealedSource
}

/** The accepted head of `live` and the table that is made of it, from disk and onwards. */
export async function openFollowedLedger(options: LedgerFollowing): Promise<FollowedLedger> {
  const { repository, root, stateDir, now, log } = options
  const snapshot = await openSnapshot(stateDir, root, now)
  if (snapshot.damage !== null) log.error('the stored ledger was set aside', snapshot.damage)
  const source = createSealedSource({ repository, store: options.bundleStore, log })
  const bundles = createBundles({ source, runtimeVersion: options.runtimeVersion })
  const hearing = await createHearing({ ...options, accepted: snapshot.loaded })
  const troubles: Troubles = {}
  let accepted = snapshot.loaded
  let built: Built | null = accepted === null ? null : await buildTable(bundles, accepted.state, null)
  let recordedTree = accepted?.tree ?? null

  async function attempt(part: keyof Troubles, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      if (troubles[part] !== undefined) log.info('came right', { part })
      delete troubles[part]
      return true
    } catch (error) {
      const fault =
        error instanceof Fault ? error : new Fault('INTERNAL', `${part}: ${String(error)}`, { cause: error })
      const known = troubles[part]
      if (known?.reason !== fault.reason || known.message !== fault.message)
        log.error('keeping the last good state', fault, { part })
      troubles[part] = fault
      return false
    }
  }

  async function lookAtLedger(): Promise<void> {
    const head = await repository.readRef(LIVE_REF)
    if (head === null) throw absent(accepted)
    const verified = await verifyLedger({ reader: repository, root, accepted, head })
    if (verified === accepted && built !== null && !built.isIncomplete) return
    const [next] = await Promise.all([
      buildTable(bundles, verified.state, built),
      attempt('disk', () => record(verified)),
    ])
    const isNew = verified !== accepted
    accepted = verified
    built = next
    if (!isNew) return
    log.info('accepted', { seq: verified.seq, epoch: verified.epoch, head: verified.oid })
    options.onSwap?.(verified)
  }

  /** Relative to what was recorded last, which lags behind what was accepted after a disk that failed. */
  async function record(verified: VerifiedLedger): Promise<void> {
    if (verified.tree === recordedTree) return
    try {
      const raw = await repository.read(verified.oid, 'commit', MAX_COMMIT_BYTES)
      const { changes, entry } = await readChanges(repository, recordedTree, verified.tree)
      if (entry === null) throw new TypeError('unreachable: two entries are the same')
      await snapshot.record({ oid: verified.oid, raw, entry, changes })
      recordedTree = verified.tree
    } catch (error) {
      throw new Fault('STATE_NOT_DURABLE', `${stateDir}: the accepted head could not be written`, { cause: error })
    }
  }

  async function checkTags(): Promise<void> {
    if (accepted === null || built === null) return
    const displaced = await displacedTags(repository, aliasesIn(built.table), accepted.state)
    if (displaced.length > 0)
      throw new Fault('TAG_CONFLICT', `${displaced.slice(0, 3).join('; ')}; what is served stays`)
  }

  return {
    async look({ tags }) {
      const before = built
      if (await attempt('remote', () => repository.refresh())) {
        await attempt('ledger', lookAtLedger)
        const head = accepted
        if (head !== null) await attempt('heartbeat', () => hearing.listen(head))
        if (tags) await attempt('tags', checkTags)
      }
      const head = accepted
      if (head !== null && head.tree !== recordedTree) await attempt('disk', () => record(head))
      if (built !== null && built !== before) await retain(built)
    },
    table: () => built?.table ?? new Map(),
    accepted: () => (built === null ? null : accepted),
    source,
    status: () => statusOf({ accepted, built, troubles, heard: hearing.heard(), monotonicMs: options.monotonicMs() }),
  }

  async function retain({ table }: Built): Promise<void> {
    try {
      await bundles.retain(digestsIn(table))
    } catch (error) {
      log.error('the cache of bundles could not be trimmed', error)
    }
  }
}

function absent(accepted: VerifiedLedger | null): Fault {
  return accepted === null
    ? new Fault('STARTING', 'the registry has no branch live yet')
    : new Fault('ROLLBACK_DETECTED', `live is gone; accepted was ${accepted.oid} (seq ${accepted.seq})`)
}
