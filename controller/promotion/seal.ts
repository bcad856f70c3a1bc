import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { ObjectWriter } from '../../runtime/git/object-reader.ts'
import { writeTree } from '../../runtime/git/tree-files.ts'
import { tagNameOf } from '../../runtime/trust/bundle-tag.ts'
import { controllerPerson } from './controller-person.ts'
import type { Signer } from './sign.ts'
import { writeSignedCommit, writeSignedTag } from './signed-objects.ts'

export type Sealing = {
  registry: string
  bundle: string
  version: string
  bundle_id: string
  digest: string
  /** `created_at` of the manifest: dates from the source make the same seal again after a crash. */
  createdAt: Date
  /** Sealed files. */
  files: BundleFiles
}

/**
 * Writes the seal commit, whose tree is the sealed bundle, and its tag. No ref names them yet. The same bundle and key
 * give the same oids.
 */
export async function writeSeal(
  writer: ObjectWriter,
  signer: Signer,
  sealing: Sealing,
): Promise<{ seal: string; tag_object: string }> {
  const { registry, bundle, version, bundle_id, digest, createdAt, files } = sealing
  const person = controllerPerson(registry, createdAt)
  const message = `seal ${bundle} ${version}\n\nRegistry: ${registry}\nBundle-Id: ${bundle_id}\nDigest: ${digest}\n`
  const tree = await writeTree(writer, files)
  const seal = await writeSignedCommit(writer, signer, { tree, parents: [], person, message })
  const tag = tagNameOf(bundle, version)
  const tag_object = await writeSignedTag(writer, signer, { object: seal, type: 'commit', tag, person, message })
  return { seal, tag_object }
}
