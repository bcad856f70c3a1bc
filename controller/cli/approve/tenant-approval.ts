import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseCommit } from '../../../runtime/git/commit-object.ts'
import { entryAt } from '../../../runtime/git/tree-files.ts'
import { judgeOwners, tenantStatement } from '../../../runtime/trust/owner-approvals.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import { digest12 } from '../../../schemas/names.ts'
import { askedSettings } from '../../promotion/plan-tenants.ts'
import { readTenant } from '../../promotion/read-tenant.ts'
import { settingsDigest, settingsOf } from '../../promotion/settings.ts'
import { signApproval } from './approval-signature.ts'
import type { Clone } from '../clone/clone.ts'
import type { Call } from '../command.ts'
import { commitPaths } from '../clone/commit-branch.ts'

/**
 * Signs, as an owner, what HEAD says of a tenant beside what is in force, and commits the approval (ADR 0018).
 * @throws Fault `ROLE_MISSING` where it would not count
 */
export async function approveTenant(call: Call, clone: Clone, state: LedgerState, tenant: string): Promise<string> {
  const before = state.tenants.get(tenant) ?? null
  const { tree } = parseCommit(await clone.repository.read(await clone.git('rev-parse', 'HEAD'), 'commit'))
  const entry = await entryAt(clone.repository, tree, `tenants/${tenant}`)
  const wanted = entry === null ? null : await readTenant(clone.repository, tenant, entry)
  const asked = wanted === null || 'findings' in wanted ? null : askedSettings(wanted, before)
  if (asked === null)
    throw new Fault('FILE_INVALID', `tenants/${tenant}/ at HEAD cannot be used; see contractor check.`)
  const to = settingsDigest(asked)
  const statement = tenantStatement({
    registry: state.registry.rules.registry,
    tenant,
    from: before === null ? 'none' : settingsDigest(settingsOf(before)),
    to,
    seq: before?.seq ?? 0,
  })
  const { signature, principal } = await signApproval(call, clone, state, statement)
  const { signers, roles } = state
  const { ignored } = judgeOwners({ statement, approvals: [{ principal, signature }], signers, roles, at: new Date() })
  if (ignored.length > 0) throw new Fault('ROLE_MISSING', `The approval would not count: ${ignored.join('; ')}.`)
  const path = `tenants/${tenant}/approvals/tenant/${digest12(to)}.${principal}.sig`
  await mkdir(dirname(join(clone.root, path)), { recursive: true })
  await writeFile(join(clone.root, path), signature)
  await commitPaths(clone, [path], `approve tenants/${tenant} as ${principal}`)
  return principal
}
