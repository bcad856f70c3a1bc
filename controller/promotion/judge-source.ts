import semver from 'semver'
import { bundleDigest } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { PROGRAM_FILE, ROUTER_FILE, type Program } from '../../runtime/bundle/program.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { Fault } from '../../schemas/fault.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import { parseManifest } from '../../schemas/registry/manifest.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import type { GateOutcome } from '../gates/judge-bundle.ts'
import { formatReport, reportDigest } from '../gates/report.ts'
import type { Sandbox } from '../gates/sandbox.ts'

const ONTOLOGY_FILE = 'ontology/ontology.yaml'

/** A bundle source and everything else that its report is a function of. */
export type SourceToJudge = { name: string; files: BundleFiles; rules: Registry; sealed: readonly SealRecord[] }

/**
 * Runs the gates over a source, beside the sealed version before it.
 * @throws faults of Git; a verdict of the gates is never thrown
 */
export async function judgeSource(
  reader: ObjectReader,
  judge: Sandbox['judge'],
  { name, files, rules, sealed }: SourceToJudge,
): Promise<{ outcome: GateOutcome; bytes: Buffer; digest: string }> {
  const previous = await readPrevious(reader, files, sealed)
  const router = previous === null ? null : sameRouter(files, previous, rules.compiler)
  const outcome = await judge({ files, name, rules, sealed, previous, ...(router !== null && { router }) })
  const bytes = formatReport(outcome.report)
  return { outcome, bytes, digest: reportDigest(bytes) }
}

/**
 * Sealed files of the greatest version below the one to be judged; of the greatest of all where that is unreadable.
 * @throws Fault `BUNDLE_UNVERIFIED` where they are not what `live` says: their router may be sealed again
 */
export async function readPrevious(
  reader: ObjectReader,
  files: BundleFiles,
  sealed: readonly SealRecord[],
): Promise<BundleFiles | null> {
  const manifest = files.get('manifest.yaml')
  const version =
    manifest === undefined ? null : parseManifest(manifest, 'manifest.yaml', 'source').value?.bundle_version
  const below = sealed.filter((seal) => version == null || semver.lt(seal.version, version))
  const [previous] = [...below].sort((a, b) => semver.rcompare(a.version, b.version))
  if (previous === undefined) return null
  const { tree } = await readCommit(reader, previous.seal)
  const sealedFiles = (await readBundleFiles(reader, tree, '')).files
  const digest = bundleDigest(sealedFiles)
  if (digest === previous.digest) return sealedFiles
  throw new Fault(
    'BUNDLE_UNVERIFIED',
    `${previous.bundle} ${previous.version} has the digest ${digest}, not that of live`,
  )
}

/**
 * The router in an older seal, where it is what compiling would give: the ontology is the same to the byte, and so is
 * the compiler. Anyone who compiles the bundle anew finds the same bytes.
 */
export function sameRouter(files: BundleFiles, sealed: BundleFiles, compiler: number): Buffer | null {
  const ontology = files.get(ONTOLOGY_FILE)
  const before = sealed.get(ONTOLOGY_FILE)
  const program = sealed.get(PROGRAM_FILE)
  if (ontology === undefined || before === undefined || program === undefined || !ontology.equals(before)) return null
  const made = JSON.parse(program.toString('utf8')) as Pick<Program, 'compiler'>
  return made.compiler === compiler ? (sealed.get(ROUTER_FILE) ?? null) : null
}
