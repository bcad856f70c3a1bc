import { createHmac } from 'node:crypto'
import canonicalize from 'canonicalize'

/** Keyed commitments of one tenant: whoever holds the node's secret can check a claimed input, nobody can guess one. */
export type Commitments = {
  /** Of a JSON value, over its RFC 8785 form. */
  ofValue(value: unknown): string
  /** Of the name of a user. */
  ofUser(user: string): string
}

/** @param secret the node's 32 bytes; each tenant's key is derived from it, so tenants cannot compare commitments. */
export function commitmentsOf(secret: Buffer, tenant: string): Commitments {
  const key = createHmac('sha256', secret).update(`contractor audit commitment v1\n${tenant}`).digest()
  const seal = (kind: string, text: string) => createHmac('sha256', key).update(`${kind}\n`).update(text).digest('hex')
  return {
    ofValue: (value) => seal('value', canonicalize(value) as string),
    ofUser: (user) => seal('user', user),
  }
}
