import { join } from 'node:path'
import {
  formatTrustFile,
  planRotation,
  writeRotation,
  type SignedFile,
} from '../../controller/promotion/rotate-keys.ts'
import { generateKeyPair, openSigner, type Signer } from '../../controller/promotion/sign.ts'
import { allowed } from '../../controller/promotion/verdicts.ts'
import { writeEntry } from '../../controller/promotion/write-entry.ts'
import { formatCommit } from '../../runtime/git/commit-object.ts'
import { pushed } from '../../runtime/trust/alias-stack.ts'
import { tagRefOf } from '../../runtime/trust/bundle-tag.ts'
import { LIVE_REF, type VerifiedLedger } from '../../runtime/trust/ledger.ts'
import { formatStateChanges } from '../../runtime/trust/state-files.ts'
import type { TestRegistry } from '../support/test-registry.ts'

/** A push to `live` by somebody who may push anything. */
export async function moveLive({ repository }: TestRegistry, oid: string): Promise<void> {
  const old = await repository.readRef(LIVE_REF)
  await repository.updateRefs([{ ref: LIVE_REF, old, new: oid }])
}

/** A commit on top of the head that nobody signed. */
export async function unsignedCommit({ repository }: TestRegistry, { oid, tree }: VerifiedLedger): Promise<string> {
  const person = { name: 'x', email: 'x@example.org', timestamp: 1_767_225_600, timezone: '+0000' }
  return repository.write(
    'commit',
    formatCommit({ tree, parents: [oid], author: person, committer: person, message: 'Seq: 99\n' }),
  )
}

/** An entry that a stolen controller key signs, by which a tenant runs what nobody approved. */
export async function unapprovedEntry(
  { repository }: TestRegistry,
  thief: Signer,
  head: VerifiedLedger,
  version: string,
  now: Date,
): Promise<string> {
  const tenant = head.state.tenants.get('shop')
  const seal = head.state.seals.get(`faq/${version}`)
  if (tenant === undefined || seal === undefined) throw new Error('nothing to steal')
  const held = tenant.aliases.current
  const [seq, since] = [head.seq + 1, now.toISOString()]
  const current = {
    bundle: seal.bundle,
    version,
    digest: seal.digest,
    bundle_id: seal.bundle_id,
    seal: seal.seal,
    tag: tagRefOf(seal.bundle, version),
    seq,
    since,
    from: held?.digest ?? null,
    approvals: [],
    stack: pushed(held?.stack ?? [], { ref: seal, seq, since }),
  }
  const tenants = new Map([['shop', { ...tenant, aliases: { ...tenant.aliases, current } }]])
  return writeEntry(
    repository,
    thief,
    { oid: head.oid, entry: head.entryDigest, tree: head.tree, files: head.state.files },
    {
      registry: 'acme',
      epoch: head.epoch,
      seq,
      at: now,
      source: head.entry.source,
      covers: [],
      decisions: [allowed('shop/current', 'PROMOTED', { kind: 'promote' })],
      changes: formatStateChanges({ tenants }),
    },
  )
}

/** The root's way out: new keys and a new epoch on top of `head`, whatever came after it. Answers the new key. */
export async function openEpoch(
  { repository, root, folder, heartbeatSigner }: TestRegistry,
  head: VerifiedLedger,
  epoch: number,
  now: Date,
): Promise<Signer> {
  const name = `controller-${epoch}`
  const signer = await generateKeyPair(join(folder, name), name)
  const rootKey = await openSigner(join(folder, 'root'))
  const plan = planRotation({ ...head, epoch: epoch - 1 }, signer.publicKey, heartbeatSigner.publicKey, 'recover')
  const signed = async (bytes: Buffer): Promise<SignedFile> => ({
    bytes,
    signatures: await rootKey.sign(bytes, 'contractor-root'),
  })
  const files = {
    keyset: await signed(formatTrustFile(plan.keyset)),
    epoch: await signed(formatTrustFile(plan.epoch)),
  }
  await writeRotation(repository, root, head, plan, files, { signer, now })
  return signer
}
