import { Fault } from '../../schemas/fault.ts'
import { ALIASES, type AliasName } from '../../schemas/names.ts'
import type { StackLevel, TenantState } from '../../schemas/ledger/state.ts'
import { aliasPath, writeAlias } from './clone/alias-file.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { argument, optionText, type CommandSpec } from './command.ts'
import { BRANCH_OPTION, commitPaths, enterBranch } from './clone/commit-branch.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { requireTenant } from './promote.ts'

export const rollback: CommandSpec = {
  name: 'rollback',
  summary: 'write an alias file that goes back to a version on its stack, and commit it on a branch',
  args: [['<tenant>', 'the tenant']],
  options: [
    ['--to <version>', 'the version to go back to (default: the one before)'],
    ['--alias <alias>', 'the alias (default: current)'],
    BRANCH_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const clone = await openClone(call)
    const { state } = await ledgerOfClone(call, clone)
    const tenant = requireTenant(state, argument(call, 0, 'tenant'))
    const alias = requireAlias(optionText(call, 'alias') ?? 'current')
    const { bundle, version, digest } = levelBelow(tenant, alias, optionText(call, 'to'))
    const path = aliasPath(tenant.tenant, alias)
    const branch = await enterBranch(
      clone,
      [path],
      optionText(call, 'branch'),
      `rollback/${tenant.tenant}-${alias}-${version}`,
    )
    await writeAlias(clone, tenant.tenant, alias, { bundle, version, digest })
    const commit = await commitPaths(clone, [path], `roll back ${tenant.tenant}/${alias} to ${bundle} ${version}`)
    const { terminal } = call
    if (terminal.json)
      terminal.out(JSON.stringify({ branch, commit, tenant: tenant.tenant, alias, bundle, version, digest }))
    else
      terminal.out(
        `${terminal.style('green', '✔')} ${tenant.tenant}: ${alias} → ${bundle} ${version}\n  committed on ${branch}\n  next: git push -u origin ${branch}, and merge it to main`,
      )
    return 0
  },
}

function requireAlias(text: string): AliasName {
  const alias = ALIASES.find((name) => name === text)
  if (alias !== undefined) return alias
  throw new Fault('USAGE', `--alias: expected ${ALIASES.join(', ')}, got "${text}".`)
}

function levelBelow({ tenant, aliases }: TenantState, alias: AliasName, version: string | undefined): StackLevel {
  const below = aliases[alias]?.stack.filter((level) => level.until !== null) ?? []
  const found = version === undefined ? below.at(-1) : below.findLast((level) => level.version === version)
  if (found !== undefined) return found
  const known = below.map((level) => level.version)
  const what = known.length === 0 ? 'has nothing below what it holds' : `has ${known.join(', ')} below what it holds`
  throw new Fault(
    'USAGE',
    `The stack of ${tenant}/${alias} ${what}${version === undefined ? '' : `, and not ${version}`}.`,
  )
}
