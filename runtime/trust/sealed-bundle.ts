import { Fault } from '../../schemas/fault.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import { bundleDigest } from '../bundle/digest.ts'
import type { BundleFiles } from '../bundle/files.ts'
import { readBundleFiles } from '../bundle/read.ts'
import type { Repository } from '../git/repository.ts'
import { tagRefOf } from './bundle-tag.ts'
import { MAX_COMMIT_BYTES } from './ledger-step.ts'
import { verifyCommit } from './verify-commit.ts'
import { verifyTag } from './verify-tag.ts'

const MAX_TAG_BYTES = 64 * 1024

/**
 * A sealed bundle from Git, proved from the outside in: the tag that `live` knows, the commit that the tag names, and
 * the digest of the bytes in it.
 * @throws Fault `BUNDLE_UNVERIFIED`, `UNTRUSTED`, and those of `runtime/git`
 */
export async function readSealedBundle(
  repository: Repository,
  record: SealRecord,
  keys: readonly string[],
): Promise<BundleFiles> {
  const { bundle, version, seal, tag_object: expected, digest: known } = record
  const unverified = (why: string) => new Fault('BUNDLE_UNVERIFIED', `${bundle} ${version}: ${why}`)
  const ref = tagRefOf(bundle, version)
  const oid = await repository.readRef(ref)
  if (oid === null) throw unverified(`the tag ${ref} is not there`)
  if (oid !== expected) throw unverified(`another tag stands at ${ref}: expected ${expected}, found ${oid}`)
  verifyTag({ oid, raw: await repository.read(oid, 'tag', MAX_TAG_BYTES), ref, object: seal, keys })
  const commit = verifyCommit(seal, await repository.read(seal, 'commit', MAX_COMMIT_BYTES), keys)
  const { files, findings } = await readBundleFiles(repository, commit.tree, '')
  const [finding] = findings
  if (finding !== undefined)
    throw unverified(finding.path === '' ? finding.message : `${finding.path}: ${finding.message}`)
  const digest = bundleDigest(files)
  if (digest !== known) throw unverified(`the files of ${seal} have the digest ${digest}`)
  return files
}
