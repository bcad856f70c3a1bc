import { Fault } from '../../schemas/fault.ts'
import type { AliasState, StackLevel } from '../../schemas/ledger/state.ts'
import type { AliasName } from '../../schemas/names.ts'
import { popped, pushed, rollbackLevel } from './alias-stack.ts'
import { judgeApprovals, type ApprovalFound } from './approvals.ts'
import { tagRefOf } from './bundle-tag.ts'
import { changeSeq } from './change-seq.ts'
import { isSame } from './is-same.ts'
import type { LedgerState } from './state.ts'

/** Aliases that tenants can execute, so that the Runtime itself checks how they came to hold what they hold. */
const EXECUTED = ['candidate', 'current'] as const satisfies AliasName[]

export type AliasChangeContext = {
  before: LedgerState
  after: LedgerState
  seq: number
  /** RFC 3339: `at` of the entry. */
  at: string
}

/**
 * Checks every change of `current` and `candidate` that a commit makes, under the rules, signers and roles in force
 * before it, so that whoever holds only a controller key cannot put anything in front of users that was not approved.
 * @throws Fault `LEDGER_BROKEN`
 */
export function checkAliasChanges(context: AliasChangeContext): void {
  const { before, after } = context
  if (before.tenants === after.tenants) return
  for (const [name, tenant] of after.tenants) {
    const known = before.tenants.get(name)
    if (known === tenant) continue
    for (const alias of EXECUTED) {
      const held = known?.aliases[alias] ?? null
      const taken = tenant.aliases[alias] ?? null
      if (taken !== null && !isSame(held, taken)) checkChange(name, alias, held, taken, context)
      if (changeSeq(tenant, alias) !== (taken?.seq ?? (held === null ? changeSeq(known, alias) : context.seq)))
        throw broken(`${name}/${alias}`, 'does not say when it was emptied')
    }
  }
}

function checkChange(
  tenant: string,
  alias: (typeof EXECUTED)[number],
  held: AliasState | null,
  taken: AliasState,
  { before, after, seq, at }: AliasChangeContext,
): void {
  const subject = `${tenant}/${alias}`
  const { rules } = before.registry
  const seal = after.seals.get(`${taken.bundle}/${taken.version}`)
  const sealed =
    seal !== undefined &&
    seal.digest === taken.digest &&
    seal.bundle_id === taken.bundle_id &&
    seal.seal === taken.seal &&
    taken.tag === tagRefOf(taken.bundle, taken.version)
  if (!sealed) throw broken(subject, 'does not hold what is sealed under its version')
  if (taken.seq !== seq || taken.since !== at || taken.from !== (held?.digest ?? null))
    throw broken(subject, 'does not say when and from where it was changed')
  const stack = held?.stack ?? []
  const level = rollbackLevel(stack, taken.digest, new Date(at), rules.rollback.within)
  if (!isSuffix(taken.stack, level === null ? pushed(stack, { ref: taken, seq, since: at }) : popped(stack, level)))
    throw broken(subject, 'has a stack that does not follow from the one before')
  const { faults } = judgeApprovals({
    registry: rules.registry,
    tenant,
    alias,
    from: held?.digest ?? null,
    digest: taken.digest,
    seq: changeSeq(before.tenants.get(tenant), alias),
    approvals: approvalsOf(taken, after, subject),
    signers: before.signers,
    roles: before.roles,
    authors: seal.authors,
    needed: level === null ? rules.promotion[alias].approvals : rules.rollback.approvals,
    at: new Date(at),
  })
  const [fault] = faults
  if (fault !== undefined) throw broken(subject, `was changed without its approvals: ${fault.message}`)
}

/** Stacks may forget their oldest levels, and nothing else. */
function isSuffix(stack: readonly StackLevel[], whole: readonly StackLevel[]): boolean {
  return stack.length > 0 && stack.length <= whole.length && isSame(stack, whole.slice(-stack.length))
}

/** Approvals as the ledger keeps them, with the sets that they name. */
function approvalsOf({ approvals }: AliasState, { sets }: LedgerState, subject: string): ApprovalFound[] {
  return approvals.map(({ principal, signature, set: sum }) => {
    if (sum === undefined) return { principal, signature }
    const set = sets.get(sum)
    if (set === undefined) throw broken(subject, `was approved in the set ${sum}, which is not there`)
    return { principal, signature, set }
  })
}

const broken = (subject: string, why: string) => new Fault('LEDGER_BROKEN', `${subject} on live ${why}`)
