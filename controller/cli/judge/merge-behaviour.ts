import type { BundleFiles } from '../../../runtime/bundle/files.ts'
import type { ObjectReader } from '../../../runtime/git/object-reader.ts'
import type { SealRecord } from '../../../schemas/ledger/state.ts'
import type { CheckResult, MergePreview } from './check-result.ts'
import type { JudgedBundle } from './judge-folders.ts'
import { aliasOf } from './merge-preview.ts'
import { sealedFiles } from './sealed-files.ts'

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
  if (pairs.size === 0) return []
  // The engine takes longer to load than everything else together, and most checks compare nothing.
  const { compareVersions, openVersion } = await import('./behaviour.ts')
  return [...pairs.values()].map(({ from, to, tenants }) => ({
    ...compareVersions(openVersion(from), openVersion(to)),
    tenants,
  }))
}
