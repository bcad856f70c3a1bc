import { Fault } from '../../schemas/fault.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import type { Repository } from '../git/repository.ts'
import type { Log } from '../http/log.ts'
import { hear, staleness, type Heard } from '../trust/freshness.ts'
import { HEARTBEAT_REF, readHeartbeat, type VerifiedHeartbeat } from '../trust/heartbeat.ts'
import { ancestorAt, type VerifiedLedger } from '../trust/ledger.ts'
import { verifyLease } from '../trust/root.ts'
import { storedHeartbeat, storeHeartbeat } from './stored-heartbeat.ts'

export type HearingDeps = {
  repository: Repository
  root: Root
  stateDir: string
  now: () => Date
  monotonicMs: () => number
  log: Log
  lease?: { bytes: Buffer; signatures: string } | undefined
  /** What was loaded from disk. */
  accepted: VerifiedLedger | null
}

export type Hearing = {
  /** The statement that vouches longest for what is accepted; null when nothing ever did. */
  heard(): Heard | null
  /**
   * Looks at the heartbeat. One that names a head which we do not hold vouches for nothing of ours and is not heard.
   * @throws Fault `UNTRUSTED`, `EQUIVOCATION`, `LEDGER_BROKEN`, `STALE`; what was heard before stays
   */
  listen(accepted: VerifiedLedger): Promise<void>
}

/** A head this far behind the accepted one is not looked for. */
const MAX_LAG = 10_000

/** What was last heard from the controller, or from the root by a lease. */
export async function createHearing(deps: HearingDeps): Promise<Hearing> {
  const { repository, root, stateDir, log, accepted } = deps
  const stored = accepted === null ? null : await storedHeartbeat(stateDir, root.registry, accepted.state.keysets)
  let last = stored
  let lastOid: string | null = null
  let heartbeat = stored === null || accepted === null ? null : heardNow(stored, accepted)
  const lease = heardLease(deps)

  function heardNow(found: VerifiedHeartbeat, ledger: VerifiedLedger): Heard {
    const seen = Math.max(deps.now().getTime(), Date.parse(ledger.entry.at), last?.signedAt.getTime() ?? 0)
    const statement = { signedAt: found.signedAt, expiresAt: new Date(found.expires_at) }
    return hear(statement, new Date(seen), deps.monotonicMs())
  }

  return {
    heard() {
      if (heartbeat === null || lease === null) return heartbeat ?? lease
      const at = deps.monotonicMs()
      return staleness(lease, at) < staleness(heartbeat, at) ? lease : heartbeat
    },
    async listen(ledger) {
      const oid = await repository.readRef(HEARTBEAT_REF)
      if (oid === null || oid === lastOid) return
      const found = await readHeartbeat(repository, root.registry, ledger.state.keysets, oid)
      await checkHead(found, ledger)
      if (last !== null && found.signedAt < last.signedAt) return
      const now = heardNow(found, ledger)
      if (heartbeat === null && now.validMs <= 0)
        throw new Fault('STALE', `a first start needs an unexpired heartbeat; this one expired at ${found.expires_at}`)
      last = found
      heartbeat = now
      lastOid = oid
      await storeHeartbeat(stateDir, repository, oid).catch((error: unknown) => {
        log.error('the heartbeat could not be kept on disk', error)
      })
    },
  }

  async function checkHead({ seq, head }: VerifiedHeartbeat, ledger: VerifiedLedger): Promise<void> {
    if (seq > ledger.seq)
      throw new Fault('STALE', `the controller is at seq ${seq}, the registry shows us seq ${ledger.seq}`)
    const known = ledger.seq - seq > MAX_LAG ? null : await ancestorAt(repository, ledger, seq)
    if (known !== null && known !== head)
      throw new Fault('EQUIVOCATION', `the controller vouches for ${head} at seq ${seq}, accepted was ${known}`)
  }
}

function heardLease({ root, lease, now, monotonicMs, accepted }: HearingDeps): Heard | null {
  if (lease === undefined) return null
  const { expires_at } = verifyLease(root, lease.bytes, lease.signatures)
  const seen = Math.max(now().getTime(), accepted === null ? 0 : Date.parse(accepted.entry.at))
  const heard = hear({ signedAt: null, expiresAt: new Date(expires_at) }, new Date(seen), monotonicMs())
  return heard.validMs > 0 ? heard : null
}
