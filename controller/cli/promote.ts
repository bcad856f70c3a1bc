import { Fault } from '../../schemas/fault.ts'
import { ALIASES, type AliasName } from '../../schemas/names.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import { aliasPath, writeAlias } from './clone/alias-file.ts'
import { parseBundleVersion, pinVersion } from './clone/bundle-version.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { argument, optionText, type Call, type CommandSpec } from './command.ts'
import { BRANCH_OPTION, commitPaths, enterBranch } from './clone/commit-branch.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'

export const promote: CommandSpec = {
  name: 'promote',
  summary: 'write alias files that promote a bundle version, and commit them on a branch',
  args: [
    ['[tenant]', 'the tenant; left out with --select'],
    ['[version]', '<bundle>@<version>; left out for current: what is candidate'],
  ],
  options: [
    ['--to <alias>', 'draft, candidate or current'],
    ['--select <label=value>', 'every tenant with this label instead of one tenant'],
    BRANCH_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const to = requireAlias(call)
    const clone = await openClone(call)
    const { state } = await ledgerOfClone(call, clone)
    const { tenants, wanted } = targets(call, state, to)
    const pin = await pinVersion(clone, state, wanted.bundle, wanted.version)
    const aliases = aliasesToWrite(state, to)
    const paths = tenants.flatMap((tenant) => aliases.map((alias) => aliasPath(tenant, alias)))
    const what = tenants.length === 1 ? tenants[0]! : `${tenants.length}-tenants`
    const branch = await enterBranch(
      clone,
      paths,
      optionText(call, 'branch'),
      `promote/${what}-${to}-${pin.bundle}-${pin.version}`,
    )
    for (const tenant of tenants) for (const alias of aliases) await writeAlias(clone, tenant, alias, pin)
    const commit = await commitPaths(clone, paths, `promote ${what}/${to} ${pin.bundle} ${pin.version}`)
    report(call, { branch, commit, tenants, to, ...pin }, state)
    return 0
  },
}

function requireAlias(call: Call): AliasName {
  const to = optionText(call, 'to')
  const alias = ALIASES.find((name) => name === to)
  if (alias !== undefined) return alias
  throw new Fault('USAGE', `--to: expected ${ALIASES.join(', ')}, got ${to === undefined ? 'nothing' : `"${to}"`}.`)
}

/** With a rule such as `current: { from: candidate }` both files change, so that one merge does both in order. */
function aliasesToWrite(state: LedgerState, to: AliasName): AliasName[] {
  const from = to === 'draft' ? undefined : state.registry.rules.promotion[to].from
  return from === undefined || from === to ? [to] : [from, to]
}

function targets(
  call: Call,
  state: LedgerState,
  to: AliasName,
): { tenants: string[]; wanted: { bundle: string; version: string } } {
  const selector = optionText(call, 'select')
  if (selector !== undefined) {
    return { tenants: selected(state, selector), wanted: parseBundleVersion(argument(call, 0, 'version')) }
  }
  const tenant = requireTenant(state, argument(call, 0, 'tenant'))
  const version = call.args[1]
  if (version !== undefined) return { tenants: [tenant.tenant], wanted: parseBundleVersion(version) }
  const candidate = tenant.aliases.candidate
  if (to === 'current' && candidate !== undefined) return { tenants: [tenant.tenant], wanted: candidate }
  throw new Fault(
    'USAGE',
    `Name what to promote, such as: contractor promote ${tenant.tenant} --to ${to} <bundle>@<version>`,
  )
}

/** @throws Fault `TENANT_UNKNOWN` */
export function requireTenant(state: LedgerState, name: string): TenantState {
  const tenant = state.tenants.get(name)
  if (tenant !== undefined) return tenant
  throw new Fault(
    'TENANT_UNKNOWN',
    `\`live\` has no tenant "${name}". There are: ${[...state.tenants.keys()].sort().join(', ')}.`,
  )
}

function selected(state: LedgerState, selector: string): string[] {
  const [, label = '', value = ''] = /^([^=]+)=(.*)$/.exec(selector) ?? []
  if (label === '') throw new Fault('USAGE', `--select: expected <label>=<value>, got "${selector}".`)
  const tenants = [...state.tenants.values()]
    .filter(({ labels }) => labels[label] === value)
    .map(({ tenant }) => tenant)
  if (tenants.length > 0) return tenants.sort()
  throw new Fault('TENANT_UNKNOWN', `No tenant has the label ${selector}.`)
}

type Promoted = {
  branch: string
  commit: string
  tenants: string[]
  to: AliasName
  bundle: string
  version: string
  digest: string
}

function report({ terminal }: Call, promoted: Promoted, state: LedgerState): void {
  if (terminal.json) return terminal.out(JSON.stringify(promoted))
  const { branch, tenants, to, bundle, version, digest } = promoted
  const needed = to === 'draft' ? 0 : state.registry.rules.promotion[to].approvals
  terminal.out(
    `${terminal.style('green', '✔')} ${tenants.join(', ')}: ${to} → ${bundle} ${version}  ${digest}\n  committed on ${branch}`,
  )
  if (needed > 0)
    terminal.out(
      `  needs ${needed} approval(s) each: ${tenants.map((tenant) => `contractor approve ${tenant} ${to}`).join(' && ')}`,
    )
  terminal.out(`  next: git push -u origin ${branch}, and open a pull request to main`)
}
