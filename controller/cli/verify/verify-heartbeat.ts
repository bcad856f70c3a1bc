import type { Repository } from '../../../runtime/git/repository.ts'
import { readHeartbeat } from '../../../runtime/trust/heartbeat.ts'
import { ancestorAt, type VerifiedLedger } from '../../../runtime/trust/ledger.ts'
import { Fault } from '../../../schemas/fault.ts'

/**
 * Verifies that the heartbeat at a commit is signed by the key in force and names a commit of this ledger. Whether it has
 * expired is a question of today, and not of the clone.
 * @throws Fault `UNTRUSTED`, `LEDGER_BROKEN`, `EQUIVOCATION`; `STALE` where `live` is behind it
 */
export async function verifyHeartbeat(repository: Repository, oid: string, ledger: VerifiedLedger): Promise<void> {
  const { seq, head } = await readHeartbeat(repository, ledger.state.registry.rules.registry, ledger, oid)
  if (seq > ledger.seq)
    throw new Fault(
      'STALE',
      `heartbeat ${oid} names seq ${seq}, and \`live\` ends at seq ${ledger.seq}: fetch it again`,
    )
  const known = await ancestorAt(repository, ledger, seq)
  if (known !== head)
    throw new Fault('EQUIVOCATION', `heartbeat ${oid} names ${head} for seq ${seq}, \`live\` has ${known ?? 'nothing'}`)
}
