import { parseRegistry } from '../../../runtime/registry/parse-registry.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Finding } from '../../../schemas/finding.ts'
import { openMainReader, type MainContent } from '../../promotion/read-main.ts'
import { isReadable, type WantedBundle } from '../../promotion/wanted.ts'
import type { AuthorGates } from './author-gates.ts'
import { checkValues } from './check-values.ts'
import { openCloneValues, type CloneValues } from './clone-values.ts'
import type { CheckResult, MergePreview } from './check-result.ts'
import type { Clone } from '../clone/clone.ts'
import { judgeFolder, wantedBundle, type JudgedBundle } from './judge-folders.ts'
import type { KnownLedger } from '../clone/known-ledger.ts'
import { mergeFindings } from './merge-findings.ts'
import { mergeInMemory, type Merged } from '../clone/merge-in-memory.ts'
import { previewMerge, type Side } from './merge-preview.ts'
import { signatureFindings } from './signature-findings.ts'
import { bundleNames, lookAtWorkTree } from '../clone/work-tree.ts'

export type CheckDeps = { clone: Clone; gates: AuthorGates; ledger: KnownLedger; now: () => Date }

export type Checked = { result: CheckResult; judged: JudgedBundle[] }

/**
 * Judges what the work tree would make of `main`: all of it, or what differs from `base`. Writes nothing but what the
 * clone keeps to be faster.
 */
export async function checkClone(deps: CheckDeps, base: string | undefined): Promise<Checked> {
  const { clone, now } = deps
  const { files, findings: odd } = await lookAtWorkTree(clone)
  return checkMerged(deps, await mergeInMemory(clone, files, base, now()), files, odd)
}

export type CheckMergedDeps = Omit<CheckDeps, 'clone'>

/**
 * Judges a merge that nobody has made yet.
 * @param files those of the registry outside bundles that the merge changes or rests on, as it has them
 * @param odd what was found beside them already
 */
export async function checkMerged(
  { ledger, gates, now }: CheckMergedDeps,
  merged: Merged,
  files: ReadonlyMap<string, Buffer>,
  odd: readonly Finding[],
): Promise<Checked> {
  const outside = parseRegistry(new Map([...files].filter(([path]) => !path.startsWith('bundles/'))))
  const ofTenants = [...outside.tenants.values()].flatMap((tenant) => tenant.findings)
  const { changed, objects } = merged
  const found = [...odd, ...outside.findings, ...ofTenants].filter(({ path }) => changed === null || changed.has(path))
  const rules = ledger.head?.state.registry.rules ?? outside.registry
  if (rules === null)
    return { result: resultOf([...found, ...whyNoRules(outside.findings, found)], [], null), judged: [] }

  const reader = openMainReader(objects)
  const content = await reader.read(merged.tip)
  const judged = await Promise.all(
    namesToJudge(merged, content, ledger).map((name) =>
      judgeFolder({ objects, gates, rules, seals: ledger.seals }, name, content.bundles.get(name)!),
    ),
  )
  const values = openCloneValues({ objects, seals: ledger.seals, judged })
  const ofValues = await checkValues(values, content, files, changed)
  const findings = [...found, ...judged.flatMap(({ report }) => report.findings), ...ofValues]
  if (ledger.head === null) return { result: resultOf(findings, judged, null), judged }

  const { head } = ledger
  const sideOf = async (tip: string, at: MainContent, verdicts: readonly JudgedBundle[]): Promise<Side> => {
    const bundles = new Map<string, WantedBundle>()
    for (const [name, folder] of at.bundles) {
      const verdict = verdicts.find((bundle) => bundle.name === name)
      bundles.set(name, await wantedBundle(objects, head, { name, folder, tip, now: now() }, verdict))
    }
    return { tip, content: at, bundles, values: values.verdicts }
  }
  const before = merged.base === null ? null : await sideOf(merged.base, await reader.read(merged.base), [])
  const merge = await settledPreview(values, head, await sideOf(merged.tip, content, judged), before, now())
  const unsigned = await signatureFindings(objects, merged.tip, head, now())
  return { result: resultOf([...findings, ...mergeFindings(merge, findings), ...unsigned], judged, merge), judged }
}

/** Values are judged where the plan asks for them, and the plan is made again, until it asks for nothing more. */
async function settledPreview(
  values: CloneValues,
  ...[head, after, before, now]: Parameters<typeof previewMerge>
): Promise<MergePreview> {
  for (;;) {
    const { preview, unjudged } = previewMerge(head, after, before, now)
    if (unjudged.length === 0) return preview
    for (const request of unjudged) await values.judge(request)
  }
}

/** Bundles that the branch changes, and those that its alias files name and nobody has sealed. */
function namesToJudge({ changed }: Merged, { bundles, tenants }: MainContent, { seals }: KnownLedger): string[] {
  if (changed === null) return [...bundles.keys()].sort()
  const names = new Set(bundleNames(changed))
  for (const path of changed) {
    const [, tenant = '', alias = ''] = /^tenants\/([^/]+)\/aliases\/([a-z]+)\.yaml$/.exec(path) ?? []
    const wanted = tenants?.get(tenant)
    const file = wanted === undefined || !('aliases' in wanted) ? undefined : wanted.aliases[alias as 'current']
    if (file === undefined || !isReadable(file)) continue
    const { bundle, version } = file.value
    if (!seals.has(`${bundle}/${version}`)) names.add(bundle)
  }
  return [...names].filter((name) => bundles.has(name)).sort()
}

function resultOf(findings: Finding[], judged: readonly JudgedBundle[], merge: MergePreview | null): CheckResult {
  return {
    verdict: findings.some(({ severity }) => severity === 'error') ? 'fail' : 'pass',
    findings,
    suites: judged.flatMap(({ report }) => report.suites),
    bundles: judged.map(({ report: { bundle, version, digest, verdict, ran } }) => ({
      bundle,
      version,
      digest,
      verdict,
      ran,
    })),
    behaviour: [],
    merge,
  }
}

/** Without rules nothing can be judged, whether or not the branch broke them. */
function whyNoRules(all: readonly Finding[], told: readonly Finding[]): Finding[] {
  const why = all.filter(({ path, severity }) => path === 'registry.yaml' && severity === 'error')
  if (why.length === 0) throw new Fault('FILE_INVALID', 'registry.yaml cannot be used, so nothing can be judged.')
  return why.filter((finding) => !told.includes(finding))
}
