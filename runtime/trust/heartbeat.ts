import { Fault } from '../../schemas/fault.ts'
import type { Heartbeat, Keyset } from '../../schemas/ledger/trust.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { entryAt } from '../git/tree-files.ts'
import { parseHeartbeat } from './heartbeat-file.ts'
import { MAX_COMMIT_BYTES } from './ledger-step.ts'
import { verifyCommit } from './verify-commit.ts'

export const HEARTBEAT_BRANCH = 'heartbeat'
export const HEARTBEAT_REF = `refs/heads/${HEARTBEAT_BRANCH}`
export const HEARTBEAT_PATH = 'heartbeat.json'
const MAX_BYTES = 4096

/** A heartbeat that the key named by the root signed. */
export type VerifiedHeartbeat = Heartbeat & {
  /** When it was signed, by the controller's clock. */
  signedAt: Date
}

/**
 * Reads the heartbeat at a commit: parentless, signed by the heartbeat key in force.
 * @throws Fault `UNTRUSTED` for a wrong key or registry, `LEDGER_BROKEN` for what is no heartbeat.
 */
export async function readHeartbeat(
  reader: ObjectReader,
  registry: string,
  keysets: readonly Keyset[],
  oid: string,
): Promise<VerifiedHeartbeat> {
  const raw = await reader.read(oid, 'commit', MAX_COMMIT_BYTES)
  const [newest, previous] = [keysets.at(-1), keysets.at(-2)]
  const keys = [newest, previous].flatMap((keyset) => (keyset === undefined ? [] : [keyset.heartbeat_key]))
  const commit = verifyCommit(oid, raw, keys)
  if (commit.parents.length > 0) throw broken(oid, 'it has a parent')
  const file = await entryAt(reader, commit.tree, HEARTBEAT_PATH)
  if (file === null) throw broken(oid, `it has no ${HEARTBEAT_PATH}`)
  const heartbeat = parseHeartbeat(await reader.read(file.oid, 'blob', MAX_BYTES), `heartbeat ${oid}`)
  if (heartbeat.registry !== registry)
    throw new Fault('UNTRUSTED', `heartbeat ${oid} is of the registry ${heartbeat.registry}, expected ${registry}`)
  if (commit.key !== newest?.heartbeat_key && heartbeat.seq > (newest?.trusted_until_seq ?? -1))
    throw new Fault('UNTRUSTED', `heartbeat ${oid} is signed by the key of an older keyset`)
  return { ...heartbeat, signedAt: new Date(commit.committer.timestamp * 1000) }
}

const broken = (oid: string, why: string) => new Fault('LEDGER_BROKEN', `heartbeat ${oid}: ${why}`)
