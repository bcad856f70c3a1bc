import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { approvalStatement } from '../../runtime/trust/approvals.ts'
import { changeSeq } from '../../runtime/trust/change-seq.ts'
import { Fault } from '../../schemas/fault.ts'
import { ALIASES, type AliasName, digest12 } from '../../schemas/names.ts'
import { aliasPath, wantedAlias } from './clone/alias-file.ts'
import { KEY_OPTION, signApproval } from './approve/approval-signature.ts'
import { approveGovernance, approveMain } from './approve/approve-owner.ts'
import { approvePull } from './approve/approve-pull.ts'
import { approveSet } from './approve/approve-set.ts'
import { pinVersion } from './clone/bundle-version.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { argument, optionText, type CommandSpec } from './command.ts'
import { BRANCH_OPTION, commitPaths, enterBranch } from './clone/commit-branch.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { requireTenant } from './promote.ts'

export const approve: CommandSpec = {
  name: 'approve',
  summary: 'sign the alias change that stands in this clone, and commit the approval',
  args: [
    ['[tenant]', 'the tenant; left out with --set, --pr, --main and --governance'],
    ['[alias]', 'candidate or current'],
  ],
  options: [
    KEY_OPTION,
    ['--set', 'approve what the alias files of many tenants say, with one signature; name the alias alone'],
    ['--select <label=value>', 'with --set: only the tenants with this label'],
    ['--pr <number>', 'show what a pull request promotes, approve it, and push the approval on a branch of its own'],
    ['--governance', 'as an owner: approve the change of governance at HEAD'],
    ['--main', 'as an owner: accept main at origin where it was rewritten or holds unsigned commits'],
    ['--commit <rev>', 'with --main: accept it up to this commit'],
    ['--show', 'with --pr and --main: show what would be approved, and sign nothing'],
    ['--no-push', 'with --pr, --main and --governance: commit the approval on a branch, and do not push it'],
    BRANCH_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const clone = await openClone(call)
    const number = pullNumber(optionText(call, 'pr'))
    if (number !== null) return approvePull(call, clone, number)
    if (call.options['main'] === true) return approveMain(call, clone)
    if (call.options['governance'] === true) return approveGovernance(call, clone)
    if (call.options['set'] === true) return approveSet(call, clone, requireAlias(argument(call, 0, 'alias')))
    const alias = requireAlias(argument(call, 1, 'alias'))
    const { state } = await ledgerOfClone(call, clone)
    const tenant = requireTenant(state, argument(call, 0, 'tenant'))
    const wanted = await wantedAlias(clone, tenant.tenant, alias)
    const { digest } = await pinVersion(clone, state, wanted.bundle, wanted.version)
    if (wanted.digest !== undefined && wanted.digest !== digest) {
      throw new Fault(
        'DIGEST_MISMATCH',
        `${aliasPath(tenant.tenant, alias)} names ${wanted.digest}, and ${wanted.bundle} ${wanted.version} is ${digest}.`,
      )
    }
    const held = tenant.aliases[alias]
    if (held?.digest === digest)
      throw new Fault(
        'USAGE',
        `${tenant.tenant}/${alias} already holds ${wanted.bundle} ${wanted.version}; there is nothing to approve.`,
      )
    const registry = state.registry.rules.registry
    const statement = approvalStatement({
      registry,
      tenant: tenant.tenant,
      alias,
      from: held?.digest ?? null,
      digest,
      seq: changeSeq(tenant, alias),
    })
    const { signature, principal } = await signApproval(call, clone, state, statement)
    const path = `tenants/${tenant.tenant}/approvals/${alias}/${digest12(digest)}.${principal}.sig`
    const branch = await enterBranch(
      clone,
      [path],
      optionText(call, 'branch'),
      `approve/${tenant.tenant}-${alias}-${wanted.version}`,
    )
    await mkdir(dirname(join(clone.root, path)), { recursive: true })
    await writeFile(join(clone.root, path), signature)
    const commit = await commitPaths(
      clone,
      [path],
      `approve ${tenant.tenant}/${alias} ${wanted.bundle} ${wanted.version} as ${principal}`,
    )
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ branch, commit, principal, path, statement }))
    else
      terminal.out(
        `${terminal.style('green', '✔')} approved as ${principal}: ${statement.trim()}\n  committed on ${branch}: ${path}\n  next: git push -u origin ${branch}; it acts once it is merged to main`,
      )
    return 0
  },
}

function pullNumber(text: string | undefined): number | null {
  if (text === undefined) return null
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new Fault('USAGE', `--pr: expected the number of a pull request, got "${text}".`)
}

function requireAlias(text: string): Exclude<AliasName, 'draft'> {
  const alias = ALIASES.find((name) => name === text)
  if (alias !== undefined && alias !== 'draft') return alias
  throw new Fault('USAGE', `Expected candidate or current, got "${text}".`)
}
