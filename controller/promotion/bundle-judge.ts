import { createHash } from 'node:crypto'
import semver from 'semver'
import { bundleDigest } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { PROGRAM_FILE, ROUTER_FILE, type Program } from '../../runtime/bundle/program.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader, ObjectWriter } from '../../runtime/git/object-reader.ts'
import { Fault } from '../../schemas/fault.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import { parseManifest } from '../../schemas/registry/manifest.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import { formatReport, reportDigest, type GateReport } from '../gates/report.ts'
import { rulesRead, sealsDigest } from '../gates/report-inputs.ts'
import type { Sandbox } from '../gates/sandbox.ts'
import { prepareSeal } from './prepare-seal.ts'
import type { Signer } from './sign.ts'
import type { PreparedSeal, Refusal } from './wanted.ts'

const ONTOLOGY_FILE = 'ontology/ontology.yaml'

/** A bundle source to be judged: where it is, and everything that a verdict depends on. */
export type JudgeRequest = {
  name: string
  /** Oid of the folder's tree. */
  tree: string
  sourceDigest: string
  rules: Registry
  /** Existing seals of the bundle. */
  sealed: readonly SealRecord[]
}

export type Judged =
  | { verdict: 'refused'; version: string; reason: Refusal; report: string }
  | { verdict: 'passed'; version: string; seal: PreparedSeal; report: string }

export type JudgeDeps = {
  repository: ObjectReader & ObjectWriter
  signer: Signer
  sandbox: Sandbox
}

/**
 * Runs the gates over one bundle source and, where they pass, writes the objects of its seal.
 * @throws faults of Git and of the seal; a verdict of the gates is never thrown.
 */
export async function judgeBundle(
  { repository, signer, sandbox }: JudgeDeps,
  { name, tree, sourceDigest, rules, sealed }: JudgeRequest,
): Promise<{ judged: Judged; report: GateReport; bytes: Buffer }> {
  const { files } = await readBundleFiles(repository, tree, `bundles/${name}/`)
  const previous = await readPrevious(repository, files, sealed)
  const router = previous === null ? null : sameRouter(files, previous, rules.compiler)
  const outcome = await sandbox.judge({ files, name, rules, sealed, previous, ...(router !== null && { router }) })
  const bytes = formatReport(outcome.report)
  const report = reportDigest(bytes)
  const { version } = outcome.report
  if (outcome.report.verdict === 'fail' || outcome.sealed === null) {
    return {
      judged: { verdict: 'refused', version, reason: reasonOf(outcome.report), report },
      report: outcome.report,
      bytes,
    }
  }
  const request = {
    registry: rules.registry,
    bundle: name,
    sourceDigest,
    source: files,
    sealed: outcome.sealed,
    report,
  }
  const seal = await prepareSeal(repository, signer, request)
  return { judged: { verdict: 'passed', version: seal.version, seal, report }, report: outcome.report, bytes }
}

/** Names a verdict: equal for requests that must have the same one. */
export function judgeKey({ name, sourceDigest, rules, sealed }: JudgeRequest): string {
  const parts = [name, sourceDigest, rulesRead(rules), sealsDigest(sealed)]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
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

/** The first error of a report that refuses. */
export function reasonOf({ findings, bundle }: GateReport): Refusal {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [finding] = errors
  if (finding !== undefined) return { finding, more: errors.length - 1 }
  const place = { path: `bundles/${bundle}`, line: 1, column: 1 }
  const message = 'The gates gave no sealed bundle and no reason.'
  return {
    finding: { gate: 'sandbox', code: 'GATE_CRASHED', severity: 'error', ...place, message, hint: 'Report this.' },
    more: 0,
  }
}
