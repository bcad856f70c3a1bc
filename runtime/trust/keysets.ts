import { Fault } from '../../schemas/fault.ts'
import type { Keyset, Root } from '../../schemas/ledger/trust.ts'
import { verifyEpoch, verifyKeyset } from './root.ts'
import { epochPath, keysetPath, signaturesPath } from './state-files.ts'
import type { LedgerState } from './state.ts'

/**
 * Keys that may sign the commit at `seq`: those of the newest keyset, and those of the one before it until its
 * `trusted_until_seq`.
 */
export function keysInForce(keysets: readonly Keyset[], seq: number): string[] {
  const newest = keysets.at(-1)
  const before = keysets.at(-2)
  if (newest === undefined) return []
  const until = newest.trusted_until_seq
  return until !== null && before !== undefined && seq <= until
    ? [...newest.controller_keys, ...before.controller_keys]
    : newest.controller_keys
}

/** Keys that ever were a controller's: for tags, which stay when keys change. Which tag is meant, `live` says. */
export const keysEver = (keysets: readonly Keyset[]): string[] => keysets.flatMap((keyset) => keyset.controller_keys)

export type TrustChange = {
  root: Root
  /** Null for the first commit. */
  before: LedgerState | null
  after: LedgerState
  epoch: { before: number; after: number }
  /** The commit before. */
  parent: { oid: string; seq: number } | null
}

/**
 * Checks everything under `trust/` that a commit brings: nothing changes or goes, one new keyset at most, of the next
 * version and signed by the root; a new epoch only by a record that the root signed for exactly this place.
 * @throws Fault `UNTRUSTED`, `LEDGER_BROKEN`
 */
export function checkTrustChange({ root, before, after, epoch, parent }: TrustChange): void {
  if (before?.trust !== after.trust) {
    for (const [path, text] of before?.trust ?? [])
      if (after.trust.get(path) !== text) throw new Fault('LEDGER_BROKEN', `${path} on live was changed or removed`)
    const known = before?.keysets.length ?? 0
    if (after.keysets.length > known + 1) throw new Fault('LEDGER_BROKEN', 'more than one new keyset in one commit')
    const added = after.keysets[known]
    if (added !== undefined) checkNewKeyset(root, known + 1, added, after, epoch.after)
    checkNewFiles(before, after, added, epoch)
  }
  if (after.registry.epoch !== epoch.after)
    throw new Fault('LEDGER_BROKEN', `registry.json says epoch ${after.registry.epoch}, the commit ${epoch.after}`)
  if (epoch.before === epoch.after) return
  if (parent === null || epoch.after < epoch.before)
    throw new Fault('LEDGER_BROKEN', `epoch ${epoch.after} follows epoch ${epoch.before}`)
  const record = epochRecord(root, after.trust, epoch.after)
  if (record.fork_head !== parent.oid || record.fork_seq !== parent.seq)
    throw new Fault(
      'UNTRUSTED',
      `the root opened epoch ${record.epoch} after ${record.fork_head} (seq ${record.fork_seq}), not after ${parent.oid} (seq ${parent.seq})`,
    )
}

/** The root's permission for an epoch. @throws Fault `UNTRUSTED` when there is none. */
export function epochRecord(root: Root, trust: ReadonlyMap<string, string>, epoch: number) {
  const path = epochPath(epoch)
  const text = trust.get(path)
  const signatures = trust.get(signaturesPath(path))
  if (text === undefined || signatures === undefined)
    throw new Fault('UNTRUSTED', `epoch ${epoch} began without ${path} and its signatures by the root`)
  const record = verifyEpoch(root, Buffer.from(text), signatures)
  if (record.epoch !== epoch) throw new Fault('UNTRUSTED', `${path} is the record of epoch ${record.epoch}`)
  return record
}

function checkNewKeyset(root: Root, version: number, added: Keyset, after: LedgerState, epoch: number): void {
  const path = keysetPath(version)
  const text = after.trust.get(path)
  const signatures = after.trust.get(signaturesPath(path))
  if (text === undefined || added.version !== version)
    throw new Fault('LEDGER_BROKEN', `expected keyset ${version} after keyset ${version - 1}, found ${added.version}`)
  const keyset = verifyKeyset(root, Buffer.from(text), signatures ?? '')
  if (keyset.epoch !== epoch)
    throw new Fault('LEDGER_BROKEN', `keyset ${version} is of epoch ${keyset.epoch}, the commit of epoch ${epoch}`)
}

function checkNewFiles(
  before: LedgerState | null,
  after: LedgerState,
  keyset: Keyset | undefined,
  epoch: TrustChange['epoch'],
): void {
  const expected = new Set<string>()
  for (const path of [
    ...(keyset === undefined ? [] : [keysetPath(keyset.version)]),
    ...(epoch.before === epoch.after ? [] : [epochPath(epoch.after)]),
  ])
    expected.add(path).add(signaturesPath(path))
  for (const path of after.trust.keys())
    if (before?.trust.has(path) !== true && !expected.has(path))
      throw new Fault('LEDGER_BROKEN', `${path} on live has no meaning there`)
}
