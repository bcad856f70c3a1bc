import { readState } from '../../../runtime/trust/state.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import type { LedgerHead } from '../../promotion/head.ts'
import type { Clone } from './clone.ts'
import type { Call } from '../command.ts'
import { ledgerOfClone, pinnedRootPath } from './ledger-of-clone.ts'

/** What a check knows of `live`. */
export type KnownLedger = {
  /** Verified from the pinned root; null where none is pinned, and then nobody's approval can be judged. */
  head: LedgerHead | null
  /** By `<name>/<version>`. Without a pinned root a hint that nothing is decided by. */
  seals: ReadonlyMap<string, SealRecord>
}

/** @throws Fault of the trust room, where a root is pinned and `live` does not verify from it */
export async function knownLedger(call: Call, clone: Clone): Promise<KnownLedger> {
  if ((await pinnedRootPath(call, clone)) === null) return { head: null, seals: await sealsOfClone(clone) }
  const head = await ledgerOfClone(call, clone)
  return { head, seals: head.state.seals }
}

/**
 * Seals as the clone's copy of `live` lists them. A hint for authors: the controller judges again by the `live` that it
 * verified.
 */
export async function sealsOfClone(clone: Clone): Promise<ReadonlyMap<string, SealRecord>> {
  const { repository } = clone
  const head = (await repository.readRef('refs/remotes/origin/live')) ?? (await repository.readRef('refs/heads/live'))
  return head === null ? new Map() : (await readState(repository, head)).seals
}
