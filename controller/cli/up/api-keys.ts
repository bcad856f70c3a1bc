import { randomBytes } from 'node:crypto'
import type { KeyScope } from '../../../schemas/registry/tenant.ts'
import { hashOfApiKey, newApiKey } from '../keys.ts'
import type { Files } from './example.ts'

/** Secrets of an embedded installation; they are kept in one file of mode 0600 and nowhere else. */
export type Secrets = { api_keys: Record<string, string>; operator_key: string }

const SCOPES: readonly KeyScope[] = ['execute', 'execute:candidate', 'explain', 'status', 'registry:read', 'audit:read']
const KEY_ID = 'demo'

export function makeSecrets(tenants: readonly string[]): Secrets {
  return {
    api_keys: Object.fromEntries(tenants.map((tenant) => [tenant, newApiKey(tenant, KEY_ID)])),
    operator_key: `cto_${randomBytes(32).toString('hex')}`,
  }
}

/** The files with the hash of each tenant's key in its `keys.yaml`. */
export function withApiKeys(files: Files, { api_keys }: Secrets): Files {
  const keyed: Files = new Map(files)
  for (const [tenant, key] of Object.entries(api_keys)) {
    const text = `keys:\n  - id: ${KEY_ID}\n    sha256: ${hashOfApiKey(key)}\n    scopes: [${SCOPES.join(', ')}]\n`
    keyed.set(`tenants/${tenant}/keys.yaml`, Buffer.from(text))
  }
  return keyed
}

/** Names of the folders under `tenants/`. */
export function tenantNames(files: Files): string[] {
  return [
    ...new Set([...files.keys()].flatMap((path) => (path.startsWith('tenants/') ? [path.split('/')[1]!] : []))),
  ].sort()
}
