import { Fault } from '../../schemas/fault.ts'
import type { Approval } from '../../schemas/ledger/state.ts'
import type { AliasName } from '../../schemas/names.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Principal, Role, Roles } from '../../schemas/registry/governance.ts'
import { principalFor, type AllowedSigner } from './allowed-signers.ts'
import { setCovers, setStatement, type ApprovalSet } from './approval-set.ts'
import { verifySshsig } from './sshsig.ts'

/** One change of one alias, as an approver signs it. */
export type AliasChange = {
  registry: string
  tenant: string
  alias: AliasName
  /** Digest that the alias holds; null when it holds none. */
  from: string | null
  /** Digest that it is to hold. */
  digest: string
  /** Seq of the alias's last change; 0 when it was never set. */
  seq: number
}

/** The line that an approver of one change signs, with its line feed (DESIGN section 3). */
export function approvalStatement({ registry, tenant, alias, from, digest, seq }: AliasChange): string {
  return `contractor approval v1 ${registry} ${tenant} ${alias} ${from ?? 'none'} ${digest} ${seq}\n`
}

/** An approval as it was found: the armoured signature, and the set where it is one of many tenants. */
export type ApprovalFound = {
  signature: string
  set?: ApprovalSet | undefined
  /** Who it says approved, where that is written beside it (a file name, the ledger); must be who signed. */
  principal?: string | undefined
}

export type ApprovalsAsked = AliasChange & {
  approvals: readonly ApprovalFound[]
  /** Signers and roles in force before the change. */
  signers: readonly AllowedSigner[]
  roles: Roles
  /** Principals who wrote the bundle since its last seal; an unmapped one is its e-mail address. */
  authors: readonly string[]
  /** Distinct approvers that the rules ask for. */
  needed: number
  /** When the change is made: keys must be valid then, whatever time a signature claims. */
  at: Date
}

export type ApprovalFault = { code: Reason; message: string }
export type ApprovalsJudged = {
  /** Distinct principals whose approval counts, sorted; nobody's counts while an author is unmapped. */
  approved: string[]
  /** One approval of each of them, as the ledger keeps it. */
  counted: Approval[]
  /** Why the change may not be made; empty when it may. */
  faults: ApprovalFault[]
  /** Approvals that do not count, and why; harmless when enough others do. */
  ignored: ApprovalFault[]
}

/** The rule of DESIGN section 3, the same in the controller that decides and in the Runtime that does not believe it. */
export function judgeApprovals(asked: ApprovalsAsked): ApprovalsJudged {
  const counted = new Map<string, Approval>()
  const ignored: ApprovalFault[] = []
  const authors = new Set(asked.authors.map((author) => principalOf(asked.roles, author)?.id ?? author))
  for (const approval of asked.approvals) {
    const judged = judgeOne(asked, approval, authors)
    if ('code' in judged) ignored.push(judged)
    else if (!counted.has(judged.principal)) counted.set(judged.principal, judged)
  }
  const unmapped = unmappedAuthors(asked)
  if (unmapped.length > 0) return { approved: [], counted: [], faults: unmapped, ignored }
  const approved = [...counted.keys()].sort()
  return { approved, counted: [...counted.values()], faults: missing(asked, counted.size, ignored), ignored }
}

/**
 * Who signed this approval of this change.
 * @throws Fault `APPROVAL_INVALID` when it does not verify or its key is not listed for approvals at that time.
 */
export function verifyApproval(
  change: AliasChange,
  approval: ApprovalFound,
  signers: readonly AllowedSigner[],
  at: Date,
): { signer: string; statement: string } {
  const { set, signature } = approval
  if (set !== undefined && !setCovers(set, change))
    throw new Fault('APPROVAL_INVALID', `the set that was approved does not name ${subject(change)} as it is now`)
  const statement = set === undefined ? approvalStatement(change) : setStatement(change, set)
  const { key, fingerprint } = verifiedKey(statement, signature, change)
  const signer = principalFor(signers, key, 'contractor-approval', at)
  if (signer === null)
    throw new Fault(
      'APPROVAL_INVALID',
      `${fingerprint} is not listed in governance/allowed_signers for contractor-approval`,
    )
  return { signer, statement }
}

/** The person behind an id or e-mail address; null when roles.yaml names nobody. */
export function principalOf(roles: Roles, idOrEmail: string): Principal | null {
  const email = idOrEmail.toLowerCase()
  const found = roles.principals.find(
    ({ id, emails }) => id === idOrEmail || emails.some((known) => known.toLowerCase() === email),
  )
  return found ?? null
}

function judgeOne(
  asked: ApprovalsAsked,
  approval: ApprovalFound,
  authors: ReadonlySet<string>,
): Approval | ApprovalFault {
  let verified: { signer: string; statement: string }
  try {
    verified = verifyApproval(asked, approval, asked.signers, asked.at)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { code: 'APPROVAL_INVALID', message: `An approval of ${subject(asked)}: ${error.message}` }
  }
  const { signer, statement } = verified
  const principal = principalOf(asked.roles, signer)?.id ?? null
  if (principal === null)
    return { code: 'ROLE_MISSING', message: `${signer} signed, but is no principal of governance/roles.yaml` }
  if (approval.principal !== undefined && approval.principal !== principal)
    return { code: 'APPROVAL_INVALID', message: `An approval says ${approval.principal}, but ${principal} signed it` }
  if (!asked.roles.roles.some((role) => mayApprove(role, principal, asked)))
    return { code: 'ROLE_MISSING', message: `${principal} has no role that may approve ${subject(asked)}` }
  if (authors.has(principal))
    return { code: 'APPROVAL_BY_AUTHOR', message: `${principal} wrote what ${subject(asked)} is to hold` }
  const set = approval.set === undefined ? {} : { set: approval.set.sum }
  return { principal, statement, signature: approval.signature, ...set }
}

/** Whether the role lets this principal approve changes of this alias of this tenant. */
export const mayApprove = (
  { members, approve }: Role,
  principal: string,
  { alias, tenant }: Pick<AliasChange, 'alias' | 'tenant'>,
): boolean =>
  members.includes(principal) &&
  (approve.aliases.includes('*') || approve.aliases.includes(alias)) &&
  (approve.tenants.includes('*') || approve.tenants.includes(tenant))

function unmappedAuthors({ authors, roles, needed }: ApprovalsAsked): ApprovalFault[] {
  if (needed === 0) return []
  const unmapped = authors.filter((author) => principalOf(roles, author) === null)
  return unmapped.map((author) => ({
    code: 'AUTHOR_UNMAPPED',
    message: `${author} wrote part of the bundle, but is no principal of governance/roles.yaml`,
  }))
}

function missing(asked: ApprovalsAsked, count: number, ignored: ApprovalFault[]): ApprovalFault[] {
  if (count >= asked.needed) return []
  const message = `${subject(asked)} needs ${asked.needed} approvals of "${approvalStatement(asked).trimEnd()}", found ${count}`
  return [...ignored, { code: 'APPROVAL_MISSING', message }]
}

function verifiedKey(statement: string, signature: string, change: AliasChange) {
  try {
    return verifySshsig({ payload: Buffer.from(statement), signature, namespace: 'contractor-approval' })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const from = change.from ?? 'none'
    const why = `${error.message}; it must be over ${change.digest}, from ${from}, after seq ${change.seq}`
    throw new Fault('APPROVAL_INVALID', why, { cause: error })
  }
}

const subject = ({ tenant, alias }: AliasChange) => `${tenant}/${alias}`
