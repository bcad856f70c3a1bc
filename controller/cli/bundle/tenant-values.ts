import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../../schemas/fault.ts'
import { NAME } from '../../../schemas/names.ts'
import { parseValues, type Values } from '../../../schemas/registry/tenant.ts'
import type { Clone } from '../clone/clone.ts'
import { optionText, type Call } from '../command.ts'

export const VALUES_OPTION = ['--tenant <tenant>', "with this tenant's values.yaml"] as const

/** The values of the tenant that `--tenant` names; none where it names none, or the tenant has none. */
export async function readTenantValues(call: Call, clone: Clone): Promise<Values> {
  const tenant = optionText(call, 'tenant')
  if (tenant === undefined) return {}
  if (!NAME.test(tenant)) throw new Fault('USAGE', `--tenant: "${tenant}" is no name of a tenant.`)
  const path = `tenants/${tenant}/values.yaml`
  const bytes = await readFile(join(clone.root, path)).catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ENOENT') return null
    throw error
  })
  if (bytes === null) return {}
  const { value, findings } = parseValues(bytes, path)
  if (value !== null) return value
  throw new Fault('FILE_INVALID', `${path} cannot be used.`, { findings })
}
