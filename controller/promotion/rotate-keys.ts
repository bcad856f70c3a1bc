import type { Repository } from '../../runtime/git/repository.ts'
import { LIVE_REF, verifyLedger } from '../../runtime/trust/ledger.ts'
import { verifyStep } from '../../runtime/trust/ledger-step.ts'
import {
  epochPath,
  formatStateChanges,
  formatStateFile,
  keysetPath,
  signaturesPath,
} from '../../runtime/trust/state-files.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Epoch, Keyset, Root } from '../../schemas/ledger/trust.ts'
import type { LedgerHead } from './head.ts'
import type { Signer } from './sign.ts'
import { allowed } from './verdicts.ts'
import { writeEntry } from './write-entry.ts'

/** What the root is to sign: new keys, and with `epoch` that the ledger goes on from a commit, whatever came after. */
export type Rotation = { keyset: Keyset; epoch: Epoch | null }

/** @param recover whether the keys before are lost or stolen, so that `head` is where the ledger is taken up again */
export function planRotation(
  head: LedgerHead,
  controllerKey: string,
  heartbeatKey: string,
  recover: 'recover' | 'hand over',
): Rotation {
  const { registry } = head.state.registry.rules
  const epoch = recover === 'recover' ? head.epoch + 1 : head.epoch
  const keyset: Keyset = {
    registry,
    version: head.state.keysets.length + 1,
    epoch,
    controller_keys: [controllerKey],
    heartbeat_key: heartbeatKey,
    trusted_until_seq: null,
  }
  const record: Epoch = { registry, epoch, fork_seq: head.seq, fork_head: head.oid }
  return { keyset, epoch: recover === 'recover' ? record : null }
}

/**
 * Writes the entry that puts new keys in force on top of `head`, and moves `live` to it.
 * @param files bytes and root signatures of `Rotation`, as they were signed
 * @param signer the old controller key where keys are handed over, the new one in a recovery
 * @throws Fault `UNTRUSTED` when the root did not sign enough; `REF_CONFLICT` when `live` moved meanwhile. Nothing was
 * written to `live` then.
 */
export async function writeRotation(
  repository: Repository,
  root: Root,
  head: LedgerHead,
  { keyset, epoch }: Rotation,
  files: { keyset: SignedFile; epoch: SignedFile | null },
  { signer, now }: { signer: Signer; now: Date },
): Promise<LedgerHead> {
  const tip = await repository.readRef(LIVE_REF)
  if (epoch === null && tip !== head.oid)
    throw new Fault('REF_CONFLICT', `live moved to ${tip ?? 'nothing'} while the rotation was signed; prepare it again`)
  const { registry } = head.state
  const changes = new Map([
    ...(epoch === null ? [] : formatStateChanges({ registry: { ...registry, epoch: epoch.epoch } })),
    ...signedFiles(keysetPath(keyset.version), files.keyset),
    ...(epoch === null || files.epoch === null ? [] : signedFiles(epochPath(epoch.epoch), files.epoch)),
  ])
  const at = new Date(Math.max(now.getTime(), Date.parse(head.entry.at)))
  const message = epoch === null ? 'new keys' : `new keys, and a new epoch after seq ${epoch.fork_seq}`
  const oid = await writeEntry(
    repository,
    signer,
    { oid: head.oid, entry: head.entryDigest, tree: head.tree, files: head.state.files },
    {
      registry: registry.rules.registry,
      epoch: keyset.epoch,
      seq: head.seq + 1,
      at,
      source: head.entry.source,
      covers: [],
      decisions: [allowed(keysetPath(keyset.version), 'CHANGED', { kind: 'change', message })],
      changes,
    },
  )
  const verified = await verifyStep(repository, root, head, oid)
  await repository.updateRefs([{ ref: LIVE_REF, old: tip, new: oid }])
  return verified
}

export type SignedFile = { bytes: Buffer; signatures: string }

/** The head that a rotation builds on: `live`, or the commit that a recovery names. */
export async function headToRotate(repository: Repository, root: Root, recoverFrom: string | null) {
  const head = recoverFrom ?? (await repository.readRef(LIVE_REF))
  if (head === null) throw new Fault('NOT_FOUND', `${repository.location} has no branch live`)
  return verifyLedger({ reader: repository, root, accepted: null, head })
}

export const formatTrustFile = formatStateFile

const signedFiles = (path: string, { bytes, signatures }: SignedFile): [string, Buffer][] => [
  [path, bytes],
  [signaturesPath(path), Buffer.from(signatures)],
]
