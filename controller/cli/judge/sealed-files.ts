import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { readBundleFiles } from '../../../runtime/bundle/read.ts'
import { readCommit } from '../../../runtime/git/history.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'

/** The files of a seal, which the tag of its version brings into a clone. @throws Fault `OBJECT_MISSING` */
export async function sealedFiles(objects: ObjectReader, { seal }: SealRecord): Promise<BundleFiles> {
  const { tree } = await readCommit(objects, seal)
  return (await readBundleFiles(objects, tree, '')).files
}
