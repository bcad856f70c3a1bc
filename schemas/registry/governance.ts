import { HAND_WRITTEN } from '../limits.ts'
import type { AliasName } from '../names.ts'
import { parseFile, type FileKind, type ParsedFile, type Report } from '../parse-file.ts'

export type Principal = { id: string; name: string; emails: string[] }

/** What its members may approve; `tenants` and `aliases` of `*` mean all. */
export type Role = {
  name: string
  members: string[]
  approve: { aliases: (AliasName | '*')[]; tenants: string[] }
  /** Members may approve changes of governance. */
  owner?: boolean
}

/** `governance/roles.yaml` */
export type Roles = { principals: Principal[]; roles: Role[] }

/** `governance/revoked.yaml`: digests that must never be served again. */
export type Revocation = { digest: string; reason: string; at: string }
export type Revoked = { revoked: Revocation[] }

const ROLES: FileKind<Roles> = {
  schema: 'registry/roles',
  format: 'yaml',
  limits: { ...HAND_WRITTEN, bytes: 1024 * 1024, lines: 60_000, nodes: 60_000 },
  gate: 'registry',
  code: 'FILE_INVALID',
  check: checkRoles,
  complete: (written) => written,
}

/** `governance/roles.yaml`: ids, role names and e-mail addresses are unique, and members exist. */
export function parseRoles(bytes: Uint8Array, path: string): ParsedFile<Roles> {
  return parseFile(ROLES, bytes, path)
}

function checkRoles({ principals, roles }: Roles, report: Report): void {
  const ids = new Set<string>()
  const emails = new Map<string, string>()
  for (const [index, { id, emails: addresses }] of principals.entries()) {
    if (ids.has(id)) report(['principals', index, 'id'], `the principal ${id} stands twice`, 'Merge the two.')
    ids.add(id)
    for (const [position, address] of addresses.entries()) {
      const owner = emails.get(address.toLowerCase())
      emails.set(address.toLowerCase(), id)
      if (owner === undefined || owner === id) continue
      const message = `${address} belongs to ${owner} and to ${id}`
      report(['principals', index, 'emails', position], message, 'Give an address to one principal only.')
    }
  }
  const names = new Set<string>()
  for (const [index, { name, members }] of roles.entries()) {
    if (names.has(name)) report(['roles', index, 'name'], `the role ${name} stands twice`, 'Merge the two.')
    names.add(name)
    for (const [position, member] of members.entries()) {
      if (ids.has(member)) continue
      const hint = `Add ${member} to principals, or correct the name.`
      report(['roles', index, 'members', position], `there is no principal ${member}`, hint)
    }
  }
}

const REVOKED: FileKind<Revoked> = {
  schema: 'registry/revoked',
  format: 'yaml',
  limits: { ...HAND_WRITTEN, bytes: 1024 * 1024, lines: 60_000, nodes: 60_000 },
  gate: 'registry',
  code: 'FILE_INVALID',
  complete: (written) => written,
}

/** `governance/revoked.yaml` */
export function parseRevoked(bytes: Uint8Array, path: string): ParsedFile<Revoked> {
  return parseFile(REVOKED, bytes, path)
}
