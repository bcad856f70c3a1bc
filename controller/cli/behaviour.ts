import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { loadBundle, type LoadedBundle } from '../../runtime/bundle/load.ts'
import { parseBundle, type ParsedBundle } from '../../runtime/bundle/parse.ts'
import { readBundleFiles } from '../../runtime/bundle/read.ts'
import { classifyChange } from '../../runtime/engine/change-class.ts'
import { diffBehaviour } from '../../runtime/engine/diff.ts'
import { generateProbes, type Probe } from '../../runtime/engine/probes.ts'
import { readCommit } from '../../runtime/git/history.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { Fault } from '../../schemas/fault.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import type { BehaviourChanges, CheckResult, MergePreview } from './check-result.ts'
import type { JudgedBundle } from './judge-folders.ts'
import { aliasOf } from './merge-preview.ts'

/** A sealed version, or one that was compiled here and would be sealed like this. */
export type Version = { files: BundleFiles; parsed: ParsedBundle; loaded: LoadedBundle }

/** @throws Fault `BUNDLE_UNVERIFIED` where the files are no sealed bundle */
export function openVersion(sealed: BundleFiles): Version {
  const { bundle, findings } = parseBundle(sealed, '', 'sealed')
  if (bundle === null)
    throw new Fault('BUNDLE_UNVERIFIED', 'The sealed version does not parse with this version of contractor.', {
      findings,
    })
  return { files: sealed, parsed: bundle, loaded: loadBundle(sealed) }
}

/** The files of a seal, which the tag of its version brings into a clone. @throws Fault `OBJECT_MISSING` */
export async function sealedFiles(objects: ObjectReader, { seal }: SealRecord): Promise<BundleFiles> {
  const { tree } = await readCommit(objects, seal)
  return (await readBundleFiles(objects, tree, '')).files
}

/** What the second version does otherwise, over generated probes or over the inputs given. */
export function compareVersions(
  from: Version,
  to: Version,
  inputs: readonly Probe[] | null = null,
  values: Values = {},
): Omit<BehaviourChanges, 'tenants'> {
  const { class: changeClass, changes } = classifyChange(from.parsed, to.parsed)
  const probes = inputs ?? generateProbes(from.parsed, to.parsed)
  return {
    bundle: to.parsed.name,
    from: from.parsed.version,
    to: to.parsed.version,
    class: changeClass,
    changes,
    behaviour: diffBehaviour(from.loaded, to.loaded, probes, values),
  }
}

const MOST_COMPARED = 8

/**
 * The changes of behaviour that a merge brings: for every move of a `current` from the version that it holds, and for
 * every new version from the greatest sealed one below it.
 */
export async function behaviourOfMerge(
  objects: ObjectReader,
  seals: ReadonlyMap<string, SealRecord>,
  judged: readonly JudgedBundle[],
  merge: MergePreview | null,
): Promise<CheckResult['behaviour']> {
  const passed = judged.filter(({ sealed }) => sealed !== null)
  const filesOf = async (bundle: string, version: string, digest: string): Promise<BundleFiles | null> => {
    const here = passed.find(({ report }) => report.digest === digest)?.sealed
    const seal = seals.get(`${bundle}/${version}`)
    return here ?? (seal?.digest === digest ? await sealedFiles(objects, seal) : null)
  }
  const pairs = new Map<string, { from: BundleFiles; to: BundleFiles; tenants: string[] }>()
  for (const { subject, from, to } of merge?.decisions ?? []) {
    const alias = aliasOf(subject)
    if (alias?.alias !== 'current' || from === null || to === null || from.bundle !== to.bundle) continue
    const key = `${from.digest} ${to.digest}`
    const known = pairs.get(key)
    if (known !== undefined) known.tenants.push(alias.tenant)
    else if (pairs.size < MOST_COMPARED) {
      const files = [
        await filesOf(from.bundle, from.version, from.digest),
        await filesOf(to.bundle, to.version, to.digest),
      ]
      const [was, is] = files
      if (was && is) pairs.set(key, { from: was, to: is, tenants: [alias.tenant] })
    }
  }
  const shown = new Set([...pairs.keys()].map((key) => key.split(' ')[1]))
  for (const { sealed, previous, report } of passed) {
    if (sealed === null || previous === null || shown.has(report.digest ?? '') || pairs.size >= MOST_COMPARED) continue
    pairs.set(`${report.bundle} ${report.version}`, { from: previous, to: sealed, tenants: [] })
  }
  return [...pairs.values()].map(({ from, to, tenants }) => ({
    ...compareVersions(openVersion(from), openVersion(to)),
    tenants,
  }))
}
