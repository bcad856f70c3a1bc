import type { Roles } from '../../schemas/registry/governance.ts'
import type { ChangeRule, Registry } from '../../schemas/registry/registry.ts'
import { Fault } from '../../schemas/fault.ts'
import { principalFor, type AllowedSigner } from './allowed-signers.ts'
import { principalOf } from './approvals.ts'
import { verifySshsig } from './sshsig.ts'

/** `from` and `to` are digests (`GovernanceInForce`); `seq` is that of the last change of governance. */
export type GovernanceChange = { registry: string; from: string; to: string; seq: number }

/** `from` and `to` are digests of a tenant's settings; `none` and 0 for a tenant that is new. */
export type TenantChange = { registry: string; tenant: string; from: string; to: string; seq: number }

/** `from` is the commit of `main` that was last judged, `to` the one from which the owners go on. */
export type MainChange = { registry: string; from: string; to: string }

/** The lines that owners sign, each with its line feed (ADR 0018). */
export const governanceStatement = ({ registry, from, to, seq }: GovernanceChange) =>
  `contractor governance v1 ${registry} ${from} ${to} ${seq}\n`
export const tenantStatement = ({ registry, tenant, from, to, seq }: TenantChange) =>
  `contractor tenant v1 ${registry} ${tenant} ${from} ${to} ${seq}\n`
export const mainStatement = ({ registry, from, to }: MainChange) => `contractor main v1 ${registry} ${from} ${to}\n`

/** How many owners must approve. */
export const ownersNeeded = (rule: ChangeRule): number => (rule === 'owners' ? 1 : rule)

/** What of governance changes: more than `governance/revoked.yaml`, and whether a digest is no longer revoked. */
export type GovernanceParts = { isMoreThanRevoked: boolean; takesBack: boolean }

/** How many owners must approve a change of governance, by the rules in force before it; revoking more needs none. */
export function governanceOwnersNeeded(changes: Registry['changes'], parts: GovernanceParts): number {
  const rules: ChangeRule[] = parts.isMoreThanRevoked ? [changes.governance] : []
  if (parts.takesBack) rules.push(changes.unrevoke)
  return Math.max(0, ...rules.map(ownersNeeded))
}

export type OwnersAsked = {
  statement: string
  approvals: readonly { principal: string; signature: string }[]
  /** Signers and roles in force before the change. */
  signers: readonly AllowedSigner[]
  roles: Roles
  at: Date
}

export type OwnersJudged = {
  /** One for each owner whose signature counts. */
  approved: { principal: string; statement: string; signature: string }[]
  /** Why the others do not count. */
  ignored: string[]
}

/** Which owners, as the roles in force name them, signed exactly this statement. */
export function judgeOwners({ statement, approvals, signers, roles, at }: OwnersAsked): OwnersJudged {
  const owners = new Set(roles.roles.filter((role) => role.owner === true).flatMap((role) => role.members))
  const approved: OwnersJudged['approved'] = []
  const ignored: string[] = []
  for (const { principal, signature } of approvals) {
    const why = refusal(principal, signature)
    if (why === null) approved.push({ principal, statement, signature })
    else ignored.push(why)
  }
  return { approved, ignored }

  function refusal(principal: string, signature: string): string | null {
    if (approved.some((counted) => counted.principal === principal)) return `${principal} signed twice`
    if (!owners.has(principal)) return `${principal} is no owner`
    try {
      const { key } = verifySshsig({ payload: Buffer.from(statement), signature, namespace: 'contractor-approval' })
      const signer = principalFor(signers, key, 'contractor-approval', at)
      const person = signer === null ? null : (principalOf(roles, signer)?.id ?? null)
      return person === principal ? null : `the signature of ${principal} is by ${person ?? 'a key that nobody listed'}`
    } catch (error) {
      if (error instanceof Fault) return `the signature of ${principal} is not over "${statement.trimEnd()}"`
      throw error
    }
  }
}
