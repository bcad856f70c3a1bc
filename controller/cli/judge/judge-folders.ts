import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import { readBundleFiles } from '../../../runtime/bundle/read.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import type { Registry } from '../../../schemas/registry/registry.ts'
import { parseManifest, type Manifest } from '../../../schemas/registry/manifest.ts'
import { formatReport, reportDigest, type GateReport } from '../../gates/report.ts'
import { reportInputs } from '../../gates/report-inputs.ts'
import { mapAuthors, readAuthorship } from '../../promotion/authors.ts'
import { reasonOf } from '../../promotion/bundle-judge.ts'
import { readPrevious } from '../../promotion/judge-source.ts'
import type { LedgerHead } from '../../promotion/head.ts'
import type { SourceFolder } from '../../promotion/read-main.ts'
import { sealsOf } from '../../promotion/seals-of.ts'
import type { WantedBundle } from '../../promotion/wanted.ts'
import type { AuthorGates } from './author-gates.ts'

/** A bundle as the gates found it; `sealed` and `previous` are files of sealed versions. */
export type JudgedBundle = {
  name: string
  report: GateReport
  sealed: BundleFiles | null
  previous: BundleFiles | null
  manifest: Manifest | null
}

export type JudgeFolderDeps = {
  objects: ObjectReader
  gates: AuthorGates
  rules: Registry
  seals: ReadonlyMap<string, SealRecord>
}

export async function judgeFolder(deps: JudgeFolderDeps, name: string, folder: SourceFolder): Promise<JudgedBundle> {
  const { objects, gates, rules, seals } = deps
  if (folder.kind === 'unreadable') return unreadable(name, folder, rules)
  const { files } = await readBundleFiles(objects, folder.tree, `bundles/${name}/`)
  const sealed = sealsOf(seals, name)
  const previous = await readPrevious(objects, files, sealed)
  const outcome = await gates.judge({ files, name, rules, sealed, previous })
  const { value } = parseManifest(files.get('manifest.yaml') ?? Buffer.alloc(0), 'manifest.yaml', 'source')
  return { name, report: outcome.report, sealed: outcome.sealed, previous, manifest: value }
}

/** What the controller would know of a folder, where `judged` is what the gates said of it. */
export async function wantedBundle(
  objects: ObjectReader,
  head: LedgerHead,
  { name, folder, tip, now }: { name: string; folder: SourceFolder; tip: string; now: Date },
  judged: JudgedBundle | undefined,
): Promise<WantedBundle> {
  if (folder.kind === 'unreadable') return folder
  const sealed = sealsOf(head.state.seals, name)
  if (sealed.some((seal) => seal.source_digest === folder.sourceDigest)) return { kind: 'sealed' }
  if (judged === undefined) return { kind: 'pending', version: null }
  const { report, manifest } = judged
  const { version, digest, bundle_id } = report
  const digestOfReport = reportDigest(formatReport(report))
  if (report.verdict === 'fail' || digest === null || bundle_id === null || manifest === null)
    return { kind: 'refused', version, reason: reasonOf(report), report: digestOfReport }
  const { roles, signers } = head.state
  const authorship = await readAuthorship(objects, name, tip, sealed.at(-1)?.source ?? null)
  const seal = {
    bundle: name,
    version,
    bundle_id,
    digest,
    source_digest: report.source_digest,
    compatibility: manifest.runtime_compatibility,
    created_by: manifest.created_by,
    report: digestOfReport,
    seal: NOT_WRITTEN,
    tag_object: NOT_WRITTEN,
  }
  return {
    kind: 'passed',
    seal,
    authors: mapAuthors(manifest.created_by, authorship, roles, signers, now),
    tag: 'free',
  }
}

/** Stands for the oids of a seal that only the controller writes. */
const NOT_WRITTEN = '0'.repeat(40)

/** What a folder gives of which not even the files could be listed. */
function unreadable(name: string, { findings }: SourceFolder & { kind: 'unreadable' }, rules: Registry): JudgedBundle {
  const report: GateReport = {
    ...reportInputs({ files: new Map(), name, rules, sealed: [], previous: null }),
    version: '',
    bundle_id: null,
    digest: null,
    verdict: 'fail',
    ran: [{ gate: 'layout', verdict: 'fail' }],
    findings: [...findings],
    suites: [],
  }
  return { name, report, sealed: null, previous: null, manifest: null }
}
