import { openCosignature, parseWitness } from '../../../runtime/audit/cosignature.ts'
import { keysEver } from '../../../runtime/trust/keysets.ts'
import { Fault } from '../../../schemas/fault.ts'
import { AUDIT_REF, readWitnessed, readWitnessKey } from '../../witness/audit-branch.ts'
import type { WitnessedLog } from '../../witness/judge-checkpoint.ts'
import { openClone, type Clone } from '../clone/clone.ts'
import { optionText, type Call } from '../command.ts'
import { ledgerOfClone, pinnedRootPath } from '../clone/ledger-of-clone.ts'

/** What the controller witnessed of a log, and when it saw it, RFC 3339. */
export type Witnessing = { log: WitnessedLog; seen: string }

/** Commits of the branch that are looked through for the key of an older cosignature. */
const MAX_COMMITS = 10_000

/**
 * What the branch `audit` of a clone says of the log with this verifier key: the commit is signed by a key of the
 * controller, the checkpoint by the log and by the witness.
 * @returns why it was not looked for, where no clone was named and none with a pinned root is around
 * @throws Fault `NOT_FOUND` where the branch does not have the log, `UNTRUSTED`, and those of Git
 */
export async function witnessingOf(call: Call, verifier: string): Promise<Witnessing | string> {
  const isNamed = optionText(call, 'registry') !== undefined
  const clone = await openClone(call).catch((error: unknown) => {
    if (isNamed || !(error instanceof Fault)) throw error
    return null
  })
  if (clone === null) return 'no clone of the registry is around'
  if (!isNamed && (await pinnedRootPath(call, clone)) === null) return 'no root is pinned'
  const { state } = await ledgerOfClone(call, clone)
  const keys = keysEver(state.keysets)
  const tip = await auditTip(call, clone)
  const origin = verifier.split('+')[0] ?? ''
  const log = tip === null ? undefined : (await readWitnessed(clone.repository, tip, keys)).get(origin)
  if (tip === null || log === undefined)
    throw new Fault(
      'NOT_FOUND',
      `the branch audit of ${clone.root} does not have the log ${origin}; no controller witnessed it`,
    )
  if (log.verifier !== verifier)
    throw new Fault(
      'UNTRUSTED',
      `${origin} was witnessed under the key ${log.verifier}, and the key here is ${verifier}`,
    )
  return { log, seen: await cosignedAt(clone, tip, keys, log) }
}

/** By the key that the branch names now, or named when the log was last heard of. */
async function cosignedAt(clone: Clone, tip: string, keys: readonly string[], { note }: WitnessedLog): Promise<string> {
  let tried = ''
  let failure: unknown = null
  for (let oid: string | null = tip, left = MAX_COMMITS; oid !== null && left > 0; left -= 1) {
    const { witness, parent } = await readWitnessKey(clone.repository, oid, keys)
    try {
      if (witness !== tried) return new Date(openCosignature(note, parseWitness(witness)) * 1000).toISOString()
    } catch (error) {
      failure ??= error
    }
    tried = witness
    oid = parent
  }
  throw failure
}

async function auditTip(call: Call, clone: Clone): Promise<string | null> {
  const hasRemote = (await clone.git('remote')).split('\n').includes('origin')
  if (!hasRemote) return clone.repository.readRef(AUDIT_REF)
  const mirrored = 'refs/remotes/origin/audit'
  if (call.options['offline'] !== true)
    await clone.git('fetch', '--quiet', 'origin', `+${AUDIT_REF}:${mirrored}`).catch((error: unknown) => {
      if (error instanceof Fault && /couldn't find remote ref/i.test(error.message)) return
      throw error
    })
  return clone.repository.readRef(mirrored)
}
