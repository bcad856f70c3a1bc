import { Fault } from '../../schemas/fault.ts'
import { parseRegistryFile } from '../../schemas/registry/registry.ts'
import { governanceDigest } from './governance-digest.ts'
import { isPart, isSame } from './is-same.ts'
import { governanceOwnersNeeded, governanceStatement, judgeOwners, type GovernanceParts } from './owner-approvals.ts'
import type { LedgerState } from './state.ts'

export type GovernanceChangeContext = {
  before: LedgerState
  after: LedgerState
  seq: number
  /** RFC 3339: `at` of the entry. */
  at: string
}

const RULES_PATH = 'governance/registry.yaml'
const REVOKED_PATH = 'governance/revoked.yaml'

/**
 * Checks a change of signers, roles, rules, revocations or floors: the owners in force before it must have approved it,
 * except that revoking more is free (ADR 0018). Without this, whoever holds a controller key could name new approvers,
 * and every approval of an alias would be worth nothing.
 * @throws Fault `LEDGER_BROKEN`
 */
export function checkGovernanceChange({ before, after, seq, at }: GovernanceChangeContext): void {
  const { epoch: _before, ...held } = before.registry
  const { epoch: _after, ...taken } = after.registry
  if (before.governance === after.governance) {
    if (!isSame(held, taken)) throw broken('registry.json was changed, and governance was not')
    return
  }
  const to = governanceDigest(mainTexts(after.governance))
  if (taken.governance?.digest !== to || taken.governance.seq !== seq)
    throw broken(`registry.json does not say that governance is ${to} since seq ${seq}`)
  checkRules(held.rules.registry, after)
  const statement = governanceStatement({
    registry: held.rules.registry,
    from: held.governance?.digest ?? governanceDigest(mainTexts(before.governance)),
    to,
    seq: held.governance?.seq ?? 0,
  })
  const { approvals } = taken.governance
  const { signers, roles } = before
  const { approved, ignored } = judgeOwners({ statement, approvals, signers, roles, at: new Date(at) })
  const needed = governanceOwnersNeeded(held.rules.changes, partsOf(before, after))
  if (approved.length < needed)
    throw broken(
      [`governance was changed with ${approved.length} of ${needed} approvals by owners`, ...ignored].join('; '),
    )
}

/** Texts by their paths on `main`. */
const mainTexts = (governance: ReadonlyMap<string, string>) =>
  new Map([...governance].map(([path, text]) => [path === RULES_PATH ? 'registry.yaml' : path, text]))

/** The rules in force are those of the file that owners approve, and the registry keeps its name. */
function checkRules(registry: string, { registry: { rules }, governance }: LedgerState): void {
  const { value } = parseRegistryFile(Buffer.from(governance.get(RULES_PATH) ?? ''), RULES_PATH)
  // A newer version fills in more than the one that wrote it; nothing may be there that the file does not say.
  if (value === null || !isPart(rules, value)) throw broken(`the rules of registry.json are not those of ${RULES_PATH}`)
  if (value.registry !== registry) throw broken(`the registry ${registry} calls itself ${value.registry}`)
}

function partsOf(before: LedgerState, after: LedgerState): GovernanceParts {
  const paths = new Set([...before.governance.keys(), ...after.governance.keys()])
  const changed = [...paths].filter((path) => before.governance.get(path) !== after.governance.get(path))
  const revoked = new Set(after.revoked.map(({ digest }) => digest))
  return {
    isMoreThanRevoked: changed.some((path) => path !== REVOKED_PATH),
    takesBack: before.revoked.some(({ digest }) => !revoked.has(digest)),
  }
}

const broken = (why: string) => new Fault('LEDGER_BROKEN', `live: ${why}`)
