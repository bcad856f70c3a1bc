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

/** `keys.yaml` of every tenant, with the hash of its key. */
export function keysFiles({ api_keys }: Secrets): Files {
  const file = (tenant: string, key: string) =>
    [
      `tenants/${tenant}/keys.yaml`,
      Buffer.from(`keys:\n  - id: ${KEY_ID}\n    sha256: ${hashOfApiKey(key)}\n    scopes: [${SCOPES.join(', ')}]\n`),
    ] as const
  return new Map(Object.entries(api_keys).map(([tenant, key]) => file(tenant, key)))
}
