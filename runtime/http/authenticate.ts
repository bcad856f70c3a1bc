import { hash, timingSafeEqual } from 'node:crypto'
import { Fault } from '../../schemas/fault.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import type { ApiKey, KeyScope } from '../../schemas/registry/tenant.ts'
import type { ServedTenant } from '../tenants/table.ts'

/** Who a request is, proved by its key. */
export type Caller = { tenant: ServedTenant; keyId: string; scopes: ReadonlySet<KeyScope> }

type KnownKey = { id: string; digest: Buffer; scopes: ReadonlySet<KeyScope>; isRevoked: boolean; expiresAtMs: number }

const KEY = /^ctr_([a-z0-9][a-z0-9-]{0,62})_([a-z0-9][a-z0-9-]{0,62})_[0-9a-f]{64}$/
const NO_KEY: KnownKey = { id: '', digest: Buffer.alloc(32), scopes: new Set(), isRevoked: true, expiresAtMs: 0 }
const NO_KEYS: ReadonlyMap<string, KnownKey> = new Map()

const keysOfState = new WeakMap<TenantState, ReadonlyMap<string, KnownKey>>()

function sha256(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'binary'), 'latin1')
}

function knownKey(key: ApiKey): KnownKey {
  const expiresAtMs = key.expires_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.expires_at)
  return {
    id: key.id,
    digest: Buffer.from(key.sha256, 'hex'),
    scopes: new Set(key.scopes),
    isRevoked: key.revoked === true,
    expiresAtMs,
  }
}

function keysOf(state: TenantState): ReadonlyMap<string, KnownKey> {
  let keys = keysOfState.get(state)
  if (keys === undefined) {
    keys = new Map(state.keys.map((key) => [key.id, knownKey(key)]))
    keysOfState.set(state, keys)
  }
  return keys
}

/**
 * Proves that `key` is a valid key of the active tenant `name`. Unknown tenant, unknown id, wrong, expired or revoked
 * key and suspended tenant all take the same steps, one hash and one comparison in constant time, to the same answer.
 * @throws Fault `UNAUTHENTICATED`
 */
export function authenticate(
  tenants: { tenant(name: string): ServedTenant | null },
  name: string,
  key: string,
  nowMs: number,
): Caller {
  const digest = sha256(key)
  const form = KEY.exec(key)
  const tenant = tenants.tenant(name)
  const keys = tenant === null ? NO_KEYS : keysOf(tenant.state)
  const known = keys.get(form?.[2] ?? '') ?? NO_KEY
  const expected = known.digest.length === digest.length ? known.digest : NO_KEY.digest
  const isEqual = timingSafeEqual(digest, expected)
  const isOfTenant = form?.[1] === name
  const isValid = !known.isRevoked && known.expiresAtMs > nowMs
  const isActive = tenant?.state.status === 'active'
  if (tenant !== null && isEqual && isOfTenant && isValid && isActive) {
    return { tenant, keyId: known.id, scopes: known.scopes }
  }
  throw new Fault('UNAUTHENTICATED', 'the tenant and key are not accepted')
}

/** Compares the operator's key with its SHA-256, in constant time; without a configured one nobody is the operator. */
export function isOperator(key: string | null, expected: Buffer | null): boolean {
  const digest = sha256(key ?? '')
  return timingSafeEqual(digest, expected ?? NO_KEY.digest) && expected !== null
}
