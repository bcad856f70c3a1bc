import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { ownersNeeded } from '../../runtime/trust/owner-approvals.ts'
import { Fault } from '../../schemas/fault.ts'
import { isTenantName } from '../../schemas/names.ts'
import { parseTenantFile, type Tenant } from '../../schemas/registry/tenant.ts'
import { KEY_OPTION } from './approve/approval-signature.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { BRANCH_OPTION, commitPaths, enterBranch } from './clone/commit-branch.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { approveTenant } from './approve/tenant-approval.ts'

export const suspend: CommandSpec = {
  name: 'suspend',
  summary: 'have a tenant answered like an unknown one, committed on a branch; acts at once when it is merged',
  args: [['<tenant>', 'the tenant']],
  options: [BRANCH_OPTION, CLONE_OPTION],
  async run(call) {
    const clone = await openClone(call)
    const tenant = argument(call, 0, 'tenant')
    const { branch, commit } = await setStatus(call, clone, tenant, 'suspended')
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ tenant, status: 'suspended', branch, commit }))
    else
      terminal.out(
        `${terminal.style('green', '✔')} ${tenant} is suspended once ${branch} is merged; it needs no approval.
  back again: contractor resume ${tenant}`,
      )
    return 0
  },
}

export const resume: CommandSpec = {
  name: 'resume',
  summary: 'have a suspended tenant served again, committed on a branch; owners approve it',
  args: [['<tenant>', 'the tenant']],
  options: [
    ['--approve', 'also sign it as an owner; a second owner runs the same on the branch'],
    KEY_OPTION,
    BRANCH_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const clone = await openClone(call)
    const tenant = argument(call, 0, 'tenant')
    const isApproving = call.options['approve'] === true
    const { state } = await ledgerOfClone(call, clone)
    if (state.tenants.get(tenant)?.status === 'active')
      throw new Fault('USAGE', `${tenant} is active already, says \`live\`; there is nothing to resume.`)
    const isWritten = (await readStatus(clone, tenant)).tenant.status === 'active'
    const branch =
      isWritten && isApproving
        ? await clone.git('symbolic-ref', '--short', 'HEAD')
        : (await setStatus(call, clone, tenant, 'active')).branch
    const approved = isApproving ? await approveTenant(call, clone, state, tenant) : null
    const commit = await clone.git('rev-parse', 'HEAD')
    const needed = ownersNeeded(state.registry.rules.changes.unsuspend)
    const { terminal } = call
    if (terminal.json)
      terminal.out(JSON.stringify({ tenant, status: 'active', branch, commit, approved, approvals_needed: needed }))
    else {
      const by = approved === null ? '' : `, approved by ${approved}`
      const isAsked = approved === null ? needed > 0 : needed > 1
      terminal.out(`${terminal.style('green', '✔')} ${tenant} is served again once ${branch} is merged${by}
  owners that must approve: ${needed}${isAsked ? `   each runs contractor resume ${tenant} --approve, on ${branch}` : ''}`)
    }
    return 0
  },
}

const pathOf = (tenant: string) => `tenants/${tenant}/tenant.yaml`

async function readStatus(clone: Clone, tenant: string): Promise<{ bytes: Buffer; tenant: Tenant }> {
  const path = pathOf(tenant)
  const bytes = isTenantName(tenant) ? await readFile(join(clone.root, path)).catch(() => null) : null
  if (bytes === null) throw new Fault('TENANT_UNKNOWN', `There is no ${path} in ${clone.root}.`)
  const { value, findings } = parseTenantFile(bytes, path)
  if (value === null) throw new Fault('FILE_INVALID', `${path} cannot be used.`, { findings })
  return { bytes, tenant: value }
}

async function setStatus(call: Call, clone: Clone, tenant: string, status: Tenant['status']) {
  const path = pathOf(tenant)
  const read = await readStatus(clone, tenant)
  if (read.tenant.status === status)
    throw new Fault('USAGE', `${path} says "status: ${status}" already; merge it, if it is not in force.`)
  const verb = status === 'active' ? 'resume' : 'suspend'
  const branch = await enterBranch(clone, [path], optionText(call, 'branch'), `${verb}/${tenant}`)
  const document = parseDocument(read.bytes.toString('utf8'))
  document.set('status', status)
  await writeFile(join(clone.root, path), document.toString({ flowCollectionPadding: true, lineWidth: 0 }))
  return { branch, commit: await commitPaths(clone, [path], `${verb} ${tenant}`) }
}
