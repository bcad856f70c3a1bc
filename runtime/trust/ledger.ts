import { Fault } from '../../schemas/fault.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { parseCommit } from '../git/commit-object.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { keysEver } from './keysets.ts'
import { forkBase } from './ledger-fork.ts'
import { parseLedgerMessage } from './ledger-message.ts'
import { MAX_COMMIT_BYTES, verifyStep, type AcceptedHead, type VerifiedLedger } from './ledger-step.ts'
import { readAhead } from './read-ahead.ts'
import { verifyCommit } from './verify-commit.ts'

export { MAX_COMMIT_BYTES, type AcceptedHead, type VerifiedLedger } from './ledger-step.ts'

export const LIVE_BRANCH = 'live'
export const LIVE_REF = `refs/heads/${LIVE_BRANCH}`

export type LedgerToVerify = {
  reader: ObjectReader
  root: Root
  /** What was accepted before; null on a first start, which begins at the commit that the root pins. */
  accepted: VerifiedLedger | null
  /** Oid at which `live` stands now. */
  head: string
  /** Called after each commit, in order. */
  onStep?: (ledger: VerifiedLedger) => void
}

/** Entries in one go, so that a number in a message cannot make anyone walk for ever. */
const MAX_ENTRIES = 10_000_000

/**
 * Verifies `live` commit by commit from what was accepted to `head`. Memory holds one state and the oids of the way.
 * @throws Fault `UNTRUSTED` (signature or key), `ROLLBACK_DETECTED` (an older commit of the same ledger),
 * `EQUIVOCATION` (another signed commit where one was accepted), `LEDGER_BROKEN` (any other rule), and the faults of
 * `runtime/git`. Nothing was accepted then.
 */
export async function verifyLedger({ reader, root, accepted, head, onStep }: LedgerToVerify): Promise<VerifiedLedger> {
  if (accepted !== null && head === accepted.oid) return accepted
  const way = accepted === null ? await wayFromStart(reader, head) : await wayFrom(reader, root, accepted, head)
  const ahead = readAhead(reader)
  let ledger = way.base
  for (const [index, oid] of way.oids.entries()) {
    for (const soon of way.oids.slice(index + 1, index + 3)) ahead.ahead(soon)
    const before: VerifiedLedger | null = ledger
    ledger = await placed(oid, () => verifyStep(ahead, root, before, oid))
    onStep?.(ledger)
  }
  if (ledger === null) throw new Fault('LEDGER_BROKEN', `live at ${head} has no commits`)
  return ledger
}

/** Every fault of a commit names it. */
async function placed<T>(oid: string, verify: () => Promise<T>): Promise<T> {
  try {
    return await verify()
  } catch (error) {
    if (!(error instanceof Fault) || error.message.includes(oid)) throw error
    throw new Fault(error.reason, `commit ${oid} of live: ${error.message}`, { cause: error })
  }
}

/** Commits to verify, oldest first, after `base`. */
type Way = { base: VerifiedLedger | null; oids: string[] }

async function wayFromStart(reader: ObjectReader, head: string): Promise<Way> {
  const oids: string[] = []
  for (let oid: string | undefined = head; oid !== undefined; oid = (await readClaims(reader, oid)).parent) {
    if (oids.length === MAX_ENTRIES)
      throw new Fault('LEDGER_BROKEN', `live at ${head} has more than ${MAX_ENTRIES} commits`)
    oids.push(oid)
  }
  return { base: null, oids: oids.reverse() }
}

async function wayFrom(reader: ObjectReader, root: Root, accepted: VerifiedLedger, head: string): Promise<Way> {
  const top = await readClaims(reader, head)
  if (top.seq === null) throw unreadable(accepted, top)
  const oids: string[] = []
  let at = top
  for (let left = Math.min(top.seq - accepted.seq, MAX_ENTRIES); left > 0; left--) {
    oids.push(at.oid)
    if (at.parent === accepted.oid) return { base: accepted, oids: oids.reverse() }
    if (at.parent === undefined) throw unreadable(accepted, at)
    at = await readClaims(reader, at.parent)
  }
  const fork = (top.epoch ?? 0) > accepted.epoch ? await forkBase(reader, root, accepted.epoch, head) : null
  if (fork !== null) return fork
  if (top.seq > accepted.seq && at.seq !== accepted.seq) throw unreadable(accepted, at)
  throw await divergence(reader, accepted, at)
}

/** What a commit says of itself; nothing of it is proved. */
type Claims = { oid: string; raw: Buffer; parent: string | undefined; seq: number | null; epoch: number | null }

async function readClaims(reader: ObjectReader, oid: string): Promise<Claims> {
  const { raw, parents, message } = await readUnproved(reader, oid)
  const claims = { oid, raw, parent: parents[0], seq: null, epoch: null }
  try {
    const { seq, epoch } = parseLedgerMessage(message, oid)
    return { ...claims, seq, epoch }
  } catch (error) {
    if (error instanceof Fault) return claims
    throw error
  }
}

/** @throws Fault `UNTRUSTED` for bytes that no controller writes as a commit, whoever could push them. */
async function readUnproved(reader: ObjectReader, oid: string) {
  let raw: Buffer | null = null
  try {
    raw = await reader.read(oid, 'commit', MAX_COMMIT_BYTES)
    const { parents, message } = parseCommit(raw)
    return { raw, parents, message }
  } catch (error) {
    const isTheirs = error instanceof Fault && (raw !== null || error.reason === 'OBJECT_TOO_LARGE')
    if (!isTheirs) throw error
    throw new Fault('UNTRUSTED', `${oid} on live is no commit of a controller: ${error.message}`, { cause: error })
  }
}

/** Why a head that does not descend from what was accepted is refused; `at` is where its way leads at that seq. */
async function divergence(reader: ObjectReader, accepted: VerifiedLedger, at: Claims): Promise<Fault> {
  verifyCommit(at.oid, at.raw, keysEver(accepted.state.keysets))
  if (at.seq === null) return unreadable(accepted, at)
  const known = await ancestorAt(reader, accepted, at.seq)
  const same = known === null ? at.seq < accepted.seq : known === at.oid
  const found = `found ${at.oid} (seq ${at.seq})`
  return same
    ? new Fault('ROLLBACK_DETECTED', `live went back: accepted was ${accepted.oid} (seq ${accepted.seq}), ${found}`)
    : new Fault(
        'EQUIVOCATION',
        `two commits were signed for seq ${at.seq}: ${known ?? accepted.oid} was accepted, ${found}`,
      )
}

/** Oid of the commit at an earlier seq of a verified ledger; null when the objects are not there any more. */
export async function ancestorAt(reader: ObjectReader, accepted: AcceptedHead, seq: number): Promise<string | null> {
  let oid = accepted.oid
  for (let left = accepted.seq - seq; left > 0; left--) {
    try {
      oid = (await readClaims(reader, oid)).parent ?? ''
    } catch (error) {
      if (error instanceof Fault && error.reason === 'OBJECT_MISSING') return null
      throw error
    }
  }
  return oid
}

/** @throws Fault `UNTRUSTED` when no key in force signed it. */
function unreadable(accepted: VerifiedLedger, { oid, raw, seq }: Claims): Fault {
  verifyCommit(oid, raw, keysEver(accepted.state.keysets))
  return new Fault(
    'LEDGER_BROKEN',
    `commit ${oid} of live (seq ${seq ?? 'unknown'}) does not lead back to ${accepted.oid} (seq ${accepted.seq})`,
  )
}
