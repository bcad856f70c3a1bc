import { Fault } from '../../schemas/fault.ts'
import { LEDGER } from '../../schemas/limits.ts'
import { parseEntry, type Entry } from '../../schemas/ledger/entry.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { parseCommit } from '../git/commit-object.ts'
import type { ObjectReader } from '../git/object-reader.ts'
import { entryAt } from '../git/tree-files.ts'
import { checkAliasChanges } from './alias-changes.ts'
import { checkGovernanceChange } from './governance-changes.ts'
import { checkTrustChange, epochRecord, keysEver, keysInForce } from './keysets.ts'
import { parseLedgerMessage, type LedgerMessage } from './ledger-message.ts'
import { verifyKeyset } from './root.ts'
import { changedFiles, epochPath, keysetPath, sha256Digest, signaturesPath, stateRoot } from './state-files.ts'
import { applyChanges, readChanges, type FileChanges, type LedgerState } from './state.ts'
import { verifyCommit, type VerifiedCommit } from './verify-commit.ts'

/** The head of a ledger that was verified from its root on. */
export type AcceptedHead = {
  oid: string
  seq: number
  epoch: number
  /** `sha256:` digest of its entry.json. */
  entryDigest: string
  tree: string
}
export type VerifiedLedger = AcceptedHead & { state: LedgerState; entry: Entry }

export const MAX_COMMIT_BYTES = 64 * 1024

/**
 * Verifies the one commit after a verified head, or the first commit (`parent: null`), by every rule of DESIGN section
 * 3 that a reader can check. Sums are compared before any file is read as data.
 * @throws Fault `UNTRUSTED` for signatures and keys, `LEDGER_BROKEN` for the rest; faults of `runtime/git`.
 */
export async function verifyStep(
  reader: ObjectReader,
  root: Root,
  parent: VerifiedLedger | null,
  oid: string,
): Promise<VerifiedLedger> {
  const raw = await reader.read(oid, 'commit', MAX_COMMIT_BYTES)
  if (parent === null) return verifyFirst(reader, root, oid, raw)
  const seq = parent.seq + 1
  const keys = (await keysOfNewEpoch(reader, root, parent, raw)) ?? keysInForce(parent.state.keysets, seq)
  const commit = verifyCommit(oid, raw, keys)
  const message = checkedMessage(root, commit, seq)
  if (commit.parents.length !== 1 || commit.parents[0] !== parent.oid)
    throw broken(oid, `expected exactly one parent, ${parent.oid}`)
  const { changes, entry: bytes } = await readChanges(reader, parent.tree, commit.tree)
  const { entry, state } = checkedFiles(oid, message, bytes, parent.state, changes)
  if (entry.prev !== parent.entryDigest)
    throw broken(oid, `entry.prev is ${entry.prev}, expected ${parent.entryDigest}`)
  if (!(Date.parse(entry.at) >= Date.parse(parent.entry.at)))
    throw broken(oid, `its entry is of ${entry.at}, earlier than the one before it, ${parent.entry.at}`)
  const epoch = { before: parent.epoch, after: message.epoch }
  checkTrustChange({ root, before: parent.state, after: state, epoch, parent })
  checkGovernanceChange({ before: parent.state, after: state, seq, at: entry.at })
  checkAliasChanges({ before: parent.state, after: state, seq, at: entry.at })
  return headOf(commit, message, entry, state)
}

/**
 * Verifies a commit by itself, without the ones before it: its signature by a key that the root ever named, its entry
 * and all of its state. That the commit is on the ledger must be known otherwise: the root pinned or named it, or it
 * was accepted before and stored.
 * @throws Fault as `verifyStep`
 */
export function verifyAlone(
  root: Root,
  { oid, raw, entry: bytes, files }: { oid: string; raw: Buffer; entry: Buffer | null; files: FileChanges },
): VerifiedLedger {
  const unsigned = parseCommit(raw)
  const message = parseLedgerMessage(unsigned.message, oid)
  const { entry, state } = checkedFiles(oid, message, bytes, null, files)
  for (const { version } of state.keysets) {
    const path = keysetPath(version)
    verifyKeyset(root, Buffer.from(state.trust.get(path) ?? ''), state.trust.get(signaturesPath(path)) ?? '')
  }
  const commit = verifyCommit(oid, raw, keysEver(state.keysets))
  checkedMessage(root, commit, message.seq)
  return headOf(commit, message, entry, state)
}

async function verifyFirst(reader: ObjectReader, root: Root, oid: string, raw: Buffer): Promise<VerifiedLedger> {
  if (oid !== root.genesis) throw new Fault('UNTRUSTED', `live begins with ${oid}, root.json names ${root.genesis}`)
  const { tree, parents } = parseCommit(raw)
  const { changes: files, entry } = await readChanges(reader, null, tree)
  const first = verifyAlone(root, { oid, raw, entry, files })
  checkTrustChange({ root, before: null, after: first.state, epoch: { before: 1, after: first.epoch }, parent: null })
  if (parents.length !== 0 || first.seq !== 0 || first.entry.prev !== null || first.epoch !== 1)
    throw broken(oid, 'the first commit has seq 0, epoch 1, no parent and no entry before it')
  if (first.state.tenants.size > 0 || first.state.seals.size > 0)
    throw broken(oid, 'the first commit brings tenants or seals, which nobody can have approved')
  return first
}

/** Sums first: entry.json against the signed message, every state file against the entry; only then are they read. */
function checkedFiles(
  oid: string,
  message: LedgerMessage,
  bytes: Buffer | null,
  before: LedgerState | null,
  changes: FileChanges,
): { entry: Entry; state: LedgerState } {
  if (bytes === null || sha256Digest(bytes) !== message.entry)
    throw broken(oid, `its entry.json is not the one that its message names, ${message.entry}`)
  const entry = parseEntry(bytes, 'entry.json')
  if (entry.seq !== message.seq || entry.source !== message.source)
    throw broken(
      oid,
      `entry.json says seq ${entry.seq} of ${entry.source}, the message ${message.seq} of ${message.source}`,
    )
  const files = changedFiles(before?.files ?? new Map(), changes)
  const root = stateRoot(files)
  if (root !== entry.state_root)
    throw broken(oid, `its state files have the sum ${root}, entry.json says ${entry.state_root}`)
  return { entry, state: applyChanges(before, changes, files) }
}

function checkedMessage(root: Root, { oid, message, extraHeaders }: VerifiedCommit, seq: number): LedgerMessage {
  const parsed = parseLedgerMessage(message, oid)
  if (parsed.registry !== root.registry)
    throw broken(oid, `it is of the registry ${parsed.registry}, root.json is of ${root.registry}`)
  if (parsed.seq !== seq) throw broken(oid, `it says seq ${parsed.seq}, expected ${seq}`)
  if (extraHeaders.length > 0) throw broken(oid, `it has the header ${extraHeaders.join(', ')}`)
  return parsed
}

/**
 * Keys of the keyset that begins a new epoch together with it: the one case in which a keyset is in force for the
 * commit that brings it, because the keys before it may be lost or stolen. Null for any other commit.
 */
async function keysOfNewEpoch(reader: ObjectReader, root: Root, parent: VerifiedLedger, raw: Buffer) {
  const { tree, message } = parseCommit(raw)
  const epoch = Number(/^Epoch: (\d{1,15})$/m.exec(message)?.[1] ?? 0)
  if (epoch <= parent.epoch) return null
  const trust = new Map<string, string>()
  const version = parent.state.keysets.length + 1
  for (const path of [epochPath(epoch), keysetPath(version)])
    for (const name of [path, signaturesPath(path)]) {
      const text = await readFileAt(reader, tree, name)
      if (text !== null) trust.set(name, text)
    }
  epochRecord(root, trust, epoch)
  const keyset = trust.get(keysetPath(version))
  if (keyset === undefined) return null
  return verifyKeyset(root, Buffer.from(keyset), trust.get(signaturesPath(keysetPath(version))) ?? '').controller_keys
}

async function readFileAt(reader: ObjectReader, tree: string, path: string): Promise<string | null> {
  const entry = await entryAt(reader, tree, path)
  return entry === null ? null : (await reader.read(entry.oid, 'blob', LEDGER.bytes)).toString()
}

function headOf(
  { oid, tree }: { oid: string; tree: string },
  { seq, epoch, entry: entryDigest }: LedgerMessage,
  entry: Entry,
  state: LedgerState,
): VerifiedLedger {
  return { oid, seq, epoch, entryDigest, tree, entry, state }
}

const broken = (oid: string, why: string) => new Fault('LEDGER_BROKEN', `commit ${oid} of live: ${why}`)
