import type { LoadedBundle } from '../../runtime/bundle/load.ts'
import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import type { Finding } from '../../schemas/finding.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import { parseValues } from '../../schemas/registry/tenant.ts'
import type { MainContent } from '../promotion/read-main.ts'
import { isReadable } from '../promotion/wanted.ts'
import type { JudgedBundle } from './judge-folders.ts'
import { sealedFiles } from './sealed-files.ts'

const SERVED = ['candidate', 'current'] as const

export type ValuesDeps = {
  objects: ObjectReader
  seals: ReadonlyMap<string, SealRecord>
  judged: readonly JudgedBundle[]
  /** Files of the work tree, for the places of findings. */
  files: ReadonlyMap<string, Buffer>
}

/**
 * Judges the values of tenants with the bundles that their `candidate` and `current` name. Of a branch, those of tenants
 * whose values, or the bundle that an alias names, it changes.
 */
export async function checkValues(
  deps: ValuesDeps,
  { tenants }: MainContent,
  changed: ReadonlySet<string> | null,
): Promise<Finding[]> {
  const { objects, seals, judged, files } = deps
  const loaded = new Map<string, LoadedBundle | null>()
  const findings = new Map<string, Finding>()
  for (const tenant of tenants?.values() ?? []) {
    if (!('values' in tenant) || !isReadable(tenant.values)) continue
    const path = `tenants/${tenant.name}/values.yaml`
    for (const alias of SERVED) {
      const file = tenant.aliases[alias]
      if (file === undefined || !isReadable(file) || file.value.digest === undefined) continue
      const { bundle, version, digest } = file.value
      const touched = [path, `tenants/${tenant.name}/aliases/${alias}.yaml`]
      if (changed !== null && !touched.some((each) => changed.has(each))) continue
      if (!loaded.has(digest)) loaded.set(digest, await load(bundle, version, digest))
      const known = loaded.get(digest)
      if (known === null || known === undefined) continue
      const { at } = parseValues(files.get(path) ?? Buffer.from('{}\n'), path)
      const { judgeValues } = await import('../gates/values.ts')
      const found = judgeValues({ tenant: tenant.name, bundle: known, values: tenant.values.value, at })
      for (const finding of found) findings.set(`${finding.path} ${finding.message}`, finding)
    }
  }
  return [...findings.values()]

  /** Null for what is not sealed and did not pass, which is found elsewhere. */
  async function load(bundle: string, version: string, digest: string): Promise<LoadedBundle | null> {
    const here = judged.find(({ report, sealed }) => report.digest === digest && sealed !== null)?.sealed
    const seal = seals.get(`${bundle}/${version}`)
    const sealed = here ?? (seal?.digest === digest ? await sealedFiles(objects, seal) : null)
    if (sealed === null || sealed === undefined) return null
    const { loadBundle } = await import('../../runtime/bundle/load.ts')
    return loadBundle(sealed)
  }
}
