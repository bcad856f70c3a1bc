import type { ServedTenant } from '../../runtime/tenants/table.ts'
import { apiKey, servedTenant, storedKey } from './runtime-app.ts'

/** Tenants with keys of every condition; the time is that of `AUTH_NOW`. */
export const AUTH_NOW = Date.parse('2026-08-01T00:00:00Z')

const keys = [
  storedKey(apiKey('acme'), 'k1', ['execute']),
  storedKey(apiKey('acme', 'old'), 'old', ['execute'], { expires_at: '2026-07-01T00:00:00Z' }),
  storedKey(apiKey('acme', 'gone'), 'gone', ['execute'], { revoked: true }),
  { id: 'torn', sha256: 'abcd', scopes: [] },
]

export const AUTH_TENANTS: ReadonlyMap<string, ServedTenant> = new Map([
  ['acme', servedTenant({ keys })],
  ['asleep', servedTenant({ tenant: 'asleep', status: 'suspended' }, {})],
  ['globex', servedTenant({ tenant: 'globex' })],
])

/** Every kind of failure, by the tenant and the key of the request. */
export const AUTH_FAILURES: readonly (readonly [kind: string, tenant: string, key: string])[] = [
  ['an unknown tenant', 'nobody', apiKey('nobody')],
  ['an unknown key id', 'acme', apiKey('acme', 'nosuch')],
  ['a wrong secret', 'acme', apiKey('acme', 'k1', 'b')],
  ['a revoked key', 'acme', apiKey('acme', 'gone')],
  ['an expired key', 'acme', apiKey('acme', 'old')],
  ['a suspended tenant', 'asleep', apiKey('asleep')],
  ['the key of another tenant', 'acme', apiKey('globex')],
]
