import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { TenantState } from '../../schemas/ledger/state.ts'
import type { ApiKey } from '../../schemas/registry/tenant.ts'

/** All of a tenant but its aliases. */
export type Settings = Omit<TenantState, 'aliases' | 'seq' | 'emptied'>

export function settingsOf({ aliases: _aliases, seq: _seq, emptied: _emptied, ...settings }: TenantState): Settings {
  return settings
}

/** What owners sign of a tenant's settings: `sha256:` over their RFC 8785 form (ADR 0018). */
export function settingsDigest(settings: Settings): string {
  return `sha256:${createHash('sha256').update(canonical(settings)).digest('hex')}`
}

export const isSame = (a: unknown, b: unknown): boolean => canonical(a) === canonical(b)

function canonical(value: unknown): string {
  return canonicalize(value) ?? ''
}

/** Whether `after` lets nobody do what `before` did not: keys were removed, revoked, shortened or lost scopes. */
export function narrowsKeys(before: readonly ApiKey[], after: readonly ApiKey[]): boolean {
  return after.every((key) => {
    const was = before.find(({ id }) => id === key.id)
    if (was === undefined || was.sha256 !== key.sha256) return false
    const scopes = key.scopes.every((scope) => was.scopes.includes(scope))
    const revoked = was.revoked !== true || key.revoked === true
    const expiry = was.expires_at === undefined || endsBy(key.expires_at, was.expires_at)
    return scopes && revoked && expiry
  })
}

const endsBy = (time: string | undefined, limit: string): boolean =>
  time !== undefined && Date.parse(time) <= Date.parse(limit)
