import { Fault } from '../../schemas/fault.ts'
import type { Heartbeat, Root } from '../../schemas/ledger/trust.ts'
import type { Repository } from '../git/repository.ts'
import type { Log } from '../http/log.ts'
import { hear, staleness, type Heard } from '../trust/freshness.ts'
import { HEARTBEAT_REF, heartbeatRefusal, readHeartbeat, type VerifiedHeartbeat } from '../trust/heartbeat.ts'
import { ancestorAt, type VerifiedLedger } from '../trust/ledger.ts'
import { verifyLease } from '../trust/root.ts'
import { storedHeartbeat, storeHeartbeat } from './stored-heartbeat.ts'

/** A lease as it lies on the disk of a site that hears no controller. */
export type SignedLease = { bytes: Buffer; signatures: string }

export type HearingDeps = {
  repository: Repository
  root: Root
  stateDir: string
  now: () => Date
  monotonicMs: () => number
  log: Log
  /** A root-signed lease and its signatures, read again at every look. */
  readLease?: (() => Promise<SignedLease>) | undefined
  /** What was loaded from disk. */
  accepted: VerifiedLedger | null
}

export type Hearing = {
  /** The statement that vouches longest for what is accepted; null when nothing ever did. */
  heard(): Heard | null
  /**
   * Looks at the heartbeat, and at the lease where there is one. A statement that names a head which we do not hold
   * vouches for nothing of ours and is not heard.
   * @throws Fault `UNTRUSTED`, `EQUIVOCATION`, `LEDGER_BROKEN`, `STALE`; what was heard before stays
   */
  listen(accepted: VerifiedLedger): Promise<void>
}

/** A head this far behind the accepted one is not looked for. */
const MAX_LAG = 10_000

/** What was last heard from the controller, or from the root by a lease. */
export async function createHearing(deps: HearingDeps): Promise<Hearing> {
  const { repository, root, stateDir, log, accepted } = deps
  const stored = accepted === null ? null : await storedHeartbeat(stateDir, root.registry, accepted)
  let last = stored
  let lastOid: string | null = null
  let heartbeat = stored === null || accepted === null ? null : heardNow(stored, accepted)
  let lease: Heard | null = null
  let leaseText = ''
  if (accepted !== null)
    await listenToLease(accepted).catch((error: unknown) => log.error('the lease was not heard', error))

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
      // Each may be wrong without the other.
      const outcomes = await Promise.allSettled([listenToLease(ledger), listenToHeartbeat(ledger)])
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
  }

  /** What was heard by a key or in an epoch that is over only grows old from then on, whatever times it says. */
  function forgetWhatIsOver(ledger: VerifiedLedger): void {
    if (last === null || heartbeat === null || heartbeatRefusal(last, ledger) === null) return
    heartbeat = { ...heartbeat, validMs: Math.min(heartbeat.validMs, 0) }
    last = null
  }

  async function listenToHeartbeat(ledger: VerifiedLedger): Promise<void> {
    forgetWhatIsOver(ledger)
    const oid = await repository.readRef(HEARTBEAT_REF)
    if (oid === null || oid === lastOid) return
    const found = await readHeartbeat(repository, root.registry, ledger, oid)
    await checkHead(found, ledger, 'the controller')
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
  }

  async function listenToLease(ledger: VerifiedLedger): Promise<void> {
    if (deps.readLease === undefined) return
    const { bytes, signatures } = await deps.readLease()
    const text = `${bytes.toString('latin1')}${signatures}`
    if (text === leaseText) return
    const found = verifyLease(root, bytes, signatures)
    await checkHead(found, ledger, 'the root')
    const seen = Math.max(deps.now().getTime(), Date.parse(ledger.entry.at), last?.signedAt.getTime() ?? 0)
    const heard = hear({ signedAt: null, expiresAt: new Date(found.expires_at) }, new Date(seen), deps.monotonicMs())
    if (heard.validMs <= 0)
      throw new Fault('STALE', `the lease expired at ${found.expires_at}; bring one that is in force`)
    lease = heard
    leaseText = text
  }

  async function checkHead({ seq, head }: Heartbeat, ledger: VerifiedLedger, who: string): Promise<void> {
    if (seq > ledger.seq) throw new Fault('STALE', `${who} is at seq ${seq}, the registry shows us seq ${ledger.seq}`)
    const known = ledger.seq - seq > MAX_LAG ? null : await ancestorAt(repository, ledger, seq)
    if (known !== null && known !== head)
      throw new Fault('EQUIVOCATION', `${who} vouches for ${head} at seq ${seq}, accepted was ${known}`)
  }
}
