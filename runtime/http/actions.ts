import type { KeyScope } from '../../schemas/registry/tenant.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** How one action is governed. There is one for each action. */
export type Profile = {
  /** What a request must prove: nothing, a tenant's key, or the operator's key. */
  auth: 'none' | 'tenant-key' | 'operator-key'
  /** Scopes of which a tenant's key must have one; the action may ask for a particular one later. */
  scopes: readonly KeyScope[]
  /** Whether the body is read, and then as JSON; GET and DELETE never read one. */
  body: 'none' | 'json'
  /** Milliseconds until `REQUEST_TIMEOUT`, at most; the configured deadline may be shorter. */
  deadlineMs: number
  /** The limits and quotas that it counts against. */
  limit: 'none' | 'execute'
}

export type ActionName = 'execute' | 'health' | 'ready' | 'version' | 'status' | 'metrics' | 'openapi'

export type Action = { name: ActionName; method: Method; path: string }

/** Every path and method that exists; the routes are built from it. `docs/gate/ACTION_MATRIX.md` is generated from it. */
export const ACTIONS: readonly Action[] = [
  { name: 'execute', method: 'POST', path: '/execute' },
  { name: 'health', method: 'GET', path: '/healthz' },
  { name: 'ready', method: 'GET', path: '/readyz' },
  { name: 'version', method: 'GET', path: '/version' },
  { name: 'status', method: 'GET', path: '/status' },
  { name: 'metrics', method: 'GET', path: '/metrics' },
  { name: 'openapi', method: 'GET', path: '/openapi.json' },
]

const OPEN: Profile = { auth: 'none', scopes: [], body: 'none', deadlineMs: 10_000, limit: 'none' }

export const PROFILES: Readonly<Record<ActionName, Profile>> = {
  execute: {
    auth: 'tenant-key',
    scopes: ['execute', 'execute:candidate'],
    body: 'json',
    deadlineMs: 60_000,
    limit: 'execute',
  },
  health: OPEN,
  ready: OPEN,
  version: OPEN,
  status: { ...OPEN, auth: 'operator-key' },
  metrics: OPEN,
  openapi: OPEN,
}
