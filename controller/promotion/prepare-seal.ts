import { bundleDigest, bundleId } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { ObjectWriter } from '../../runtime/git/object-reader.ts'
import { Fault } from '../../schemas/fault.ts'
import { parseManifest } from '../../schemas/registry/manifest.ts'
import { writeSeal } from './seal.ts'
import type { Signer } from './sign.ts'
import type { PreparedSeal } from './wanted.ts'

const MANIFEST = 'manifest.yaml'
const COMPILED = 'sealed/'

export type SealRequest = {
  registry: string
  bundle: string
  sourceDigest: string
  source: BundleFiles
  /** What the gates' child process compiled: not believed, but compared with the source. */
  sealed: BundleFiles
  /** Digest of the gate report. */
  report: string
}

/**
 * Writes the objects of a seal whose gates passed; no ref names them yet.
 * @throws Fault `GATE_CRASHED` where the sealed files are not the source, its bundle id and compiled files.
 */
export async function prepareSeal(writer: ObjectWriter, signer: Signer, request: SealRequest): Promise<PreparedSeal> {
  const { registry, bundle, sourceDigest, source, sealed, report } = request
  const bundle_id = bundleId(sourceDigest)
  assertSealOf(source, sealed, bundle_id)
  const { value: manifest } = parseManifest(source.get(MANIFEST) ?? Buffer.alloc(0), MANIFEST, 'source')
  if (manifest === null || manifest.bundle_name !== bundle)
    throw new Fault('GATE_CRASHED', `The gates passed bundles/${bundle}, whose manifest does not name it.`)
  const digest = bundleDigest(sealed)
  const version = manifest.bundle_version
  const createdAt = new Date(manifest.created_at)
  const written = await writeSeal(writer, signer, {
    registry,
    bundle,
    version,
    bundle_id,
    digest,
    createdAt,
    files: sealed,
  })
  return {
    bundle,
    version,
    bundle_id,
    digest,
    source_digest: sourceDigest,
    compatibility: manifest.runtime_compatibility,
    created_by: manifest.created_by,
    report,
    ...written,
  }
}

function assertSealOf(source: BundleFiles, sealed: BundleFiles, id: string): void {
  for (const [path, bytes] of source) {
    const expected = path === MANIFEST ? sealedManifest(bytes, id) : bytes
    if (sealed.get(path)?.equals(expected) !== true) throw changed(path)
  }
  for (const path of sealed.keys()) if (!source.has(path) && !path.startsWith(COMPILED)) throw changed(path)
}

function sealedManifest(source: Buffer, id: string): Buffer {
  const end = source.at(-1) === 0x0a ? '' : '\n'
  return Buffer.concat([source, Buffer.from(`${end}bundle_id: ${id}\n`)])
}

const changed = (path: string) =>
  new Fault('GATE_CRASHED', `The process of the gates gave back another ${path} than the bundle has.`)
