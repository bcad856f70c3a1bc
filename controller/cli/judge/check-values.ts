import type { Finding } from '../../../schemas/finding.ts'
import { parseValues } from '../../../schemas/registry/tenant.ts'
import type { MainContent } from '../../promotion/read-main.ts'
import { isReadable } from '../../promotion/wanted.ts'
import type { CloneValues } from './clone-values.ts'

const SERVED = ['candidate', 'current'] as const

/**
 * Judges the values of tenants with the bundles that their `candidate` and `current` name. Of a branch, those of tenants
 * whose values, or the bundle that an alias names, it changes.
 */
export async function checkValues(
  values: CloneValues,
  { tenants }: MainContent,
  files: ReadonlyMap<string, Buffer>,
  changed: ReadonlySet<string> | null,
): Promise<Finding[]> {
  const findings = new Map<string, Finding>()
  for (const tenant of tenants?.values() ?? []) {
    if (!('values' in tenant) || !isReadable(tenant.values)) continue
    const path = `tenants/${tenant.name}/values.yaml`
    for (const alias of SERVED) {
      const file = tenant.aliases[alias]
      if (file === undefined || !isReadable(file) || file.value.digest === undefined) continue
      const { bundle: name, version, digest } = file.value
      const touched = [path, `tenants/${tenant.name}/aliases/${alias}.yaml`]
      if (changed !== null && !touched.some((each) => changed.has(each))) continue
      const bundle = await values.bundle({ bundle: name, version, digest })
      if (bundle === null) continue
      const { at } = parseValues(files.get(path) ?? Buffer.from('{}\n'), path)
      const { judgeValues } = await import('../../gates/values.ts')
      const found = judgeValues({ tenant: tenant.name, bundle, values: tenant.values.value, at })
      for (const finding of found) findings.set(`${finding.path} ${finding.message}`, finding)
    }
  }
  return [...findings.values()]
}
