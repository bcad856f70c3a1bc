import { Fault } from '../../schemas/fault.ts'
import { parseEpoch, type Heartbeat } from '../../schemas/ledger/trust.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { entryAt } from '../git/tree-files.ts'
import { parseHeartbeat } from './heartbeat-file.ts'
import { MAX_COMMIT_BYTES } from './ledger-step.ts'
import { epochPath } from './state-files.ts'
import type { LedgerState } from './state.ts'
import { verifyCommit } from './verify-commit.ts'

export const HEARTBEAT_BRANCH = 'heartbeat'
export const HEARTBEAT_REF = `refs/heads/${HEARTBEAT_BRANCH}`
export const HEARTBEAT_PATH = 'heartbeat.json'
const MAX_BYTES = 4096

/** A heartbeat that the key named by the root signed. */
export type VerifiedHeartbeat = Heartbeat & {
  /** When it was signed, by the controller's clock. */
  signedAt: Date
  key: string
}

/** What is accepted, by which it is judged whose word still counts. */
export type HeardIn = { seq: number; state: Pick<LedgerState, 'keysets' | 'trust' | 'registry'> }

/**
 * Why a heartbeat by this key for this seq vouches for nothing that is accepted now; null where it does. The key of the
 * keyset before counts in one epoch, and until the seq that the root named: after that its word is worth nothing, or a
 * thief of it could say for ever that nothing is new.
 */
export function heartbeatRefusal({ key, seq }: Pick<VerifiedHeartbeat, 'key' | 'seq'>, at: HeardIn): Fault | null {
  const { keysets, trust, registry } = at.state
  const [newest, previous] = [keysets.at(-1), keysets.at(-2)]
  const until = newest?.trusted_until_seq ?? -1
  const isOverlap = previous?.heartbeat_key === key && previous.epoch === newest?.epoch
  if (key !== newest?.heartbeat_key && !(isOverlap && seq <= until && at.seq <= until))
    return new Fault('UNTRUSTED', 'the heartbeat is signed by the key of an older keyset')
  const path = epochPath(registry.epoch)
  const record = trust.get(path)
  const begins = record === undefined ? -1 : parseEpoch(Buffer.from(record), path).fork_seq
  if (seq > begins) return null
  return new Fault('STALE', `the controller was last heard of at seq ${seq}, before epoch ${registry.epoch} began`)
}

/**
 * Reads the heartbeat at a commit: parentless, signed by the heartbeat key in force.
 * @throws Fault `UNTRUSTED` for a wrong key or registry, `STALE` for one of an older epoch, `LEDGER_BROKEN` for what is no heartbeat.
 */
export async function readHeartbeat(
  reader: ObjectReader,
  registry: string,
  at: HeardIn,
  oid: string,
): Promise<VerifiedHeartbeat> {
  const raw = await reader.read(oid, 'commit', MAX_COMMIT_BYTES)
  const keys = at.state.keysets.slice(-2).map((keyset) => keyset.heartbeat_key)
  const commit = verifyCommit(oid, raw, keys)
  if (commit.parents.length > 0) throw broken(oid, 'it has a parent')
  const file = await entryAt(reader, commit.tree, HEARTBEAT_PATH)
  if (file === null) throw broken(oid, `it has no ${HEARTBEAT_PATH}`)
  const heartbeat = parseHeartbeat(await reader.read(file.oid, 'blob', MAX_BYTES), `heartbeat ${oid}`)
  if (heartbeat.registry !== registry)
    throw new Fault('UNTRUSTED', `heartbeat ${oid} is of the registry ${heartbeat.registry}, expected ${registry}`)
  const found = { ...heartbeat, key: commit.key, signedAt: new Date(commit.committer.timestamp * 1000) }
  const refusal = heartbeatRefusal(found, at)
  if (refusal !== null) throw refusal
  return found
}

const broken = (oid: string, why: string) => new Fault('LEDGER_BROKEN', `heartbeat ${oid}: ${why}`)
