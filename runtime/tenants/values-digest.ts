import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Values } from '../../schemas/registry/tenant.ts'

/** Names a tenant's values: `sha256:` over their RFC 8785 form. */
export function valuesDigest(values: Values): string {
  return `sha256:${createHash('sha256')
    .update(canonicalize(values) ?? '')
    .digest('hex')}`
}

/** The tenant says nothing: the bundle's own defaults serve. */
export const areDefaults = (values: Values): boolean => Object.keys(values).length === 0
