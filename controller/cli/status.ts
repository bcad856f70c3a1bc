import type { LedgerState } from '../../runtime/trust/state.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import type { TenantState } from '../../schemas/ledger/state.ts'
import { ALIASES, digest12 } from '../../schemas/names.ts'
import { askTenants, SERVER_OPTION, serverOf } from './ask-server.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import type { Call, CommandSpec } from './command.ts'
import type { ExitCode } from './exit.ts'
import { askFleet, CONTROLLER_OPTION, fleetRows, isPresent } from './fleet.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { entriesFrom } from './log.ts'
import { requireTenant } from './promote.ts'

export const status: CommandSpec = {
  name: 'status',
  summary: 'show what every tenant runs, from the verified `live`',
  args: [['[tenant]', 'only this tenant']],
  options: [
    ['--fleet', 'show what each Runtime reported instead'],
    SERVER_OPTION,
    CONTROLLER_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const server = call.options['fleet'] === true ? null : serverOf(call)
    if (server !== null) return serverStatus(call, server)
    const clone = await openClone(call)
    if (call.options['fleet'] === true) return fleetStatus(call, clone)
    const { seq, oid, state } = await ledgerOfClone(call, clone)
    const name = call.args[0]
    const tenants = name === undefined ? byName(state) : [requireTenant(state, name)]
    const rows = tenants.flatMap(({ tenant, status: active, aliases }) =>
      ALIASES.flatMap((alias) => {
        const held = aliases[alias]
        if (held === undefined) return []
        const { bundle, version, digest, seq: changed, since } = held
        return [{ tenant, status: active, alias, bundle, version, digest, seq: changed, since }]
      }),
    )
    const { terminal } = call
    if (terminal.json) {
      terminal.out(JSON.stringify({ registry: state.registry.rules.registry, seq, head: oid, aliases: rows }))
      return 0
    }
    terminal.out(`${state.registry.rules.registry}  seq ${seq}  live ${oid.slice(0, 12)}`)
    const head = ['TENANT', 'STATUS', 'ALIAS', 'BUNDLE', 'VERSION', 'DIGEST', 'SEQ', 'SINCE']
    terminal.out(
      terminal.table([
        head,
        ...rows.map((row) => [
          row.tenant,
          row.status,
          row.alias,
          row.bundle,
          row.version,
          digest12(row.digest),
          String(row.seq),
          row.since,
        ]),
      ]),
    )
    for (const { subject, reason_code, to, seq: at } of await notDone(clone, oid, tenants)) {
      const wanted = to === null ? '' : `  ${to.bundle} ${to.version}`
      terminal.out(`${terminal.style('yellow', '!')} ${subject}${wanted}  ${reason_code} at seq ${at}; contractor log`)
    }
    return 0
  },
}

/** So many entries are looked at for what was asked for and not done. */
const RECENT = 50

/** What was last said about an alias, where that was no and nothing has changed the alias since. */
async function notDone(clone: Clone, head: string, tenants: readonly TenantState[]) {
  const aliases = tenants.flatMap(({ tenant, aliases: held }) =>
    ALIASES.map((alias) => [`${tenant}/${alias}`, held[alias]?.seq ?? 0] as const),
  )
  const open = new Map<string, number>(aliases)
  const found: (Pick<Decision, 'subject' | 'reason_code' | 'to'> & { seq: number })[] = []
  let looked = 0
  for await (const { seq, decisions } of entriesFrom(clone.repository, head)) {
    for (const { subject, decision, reason_code, to } of decisions) {
      const changed = open.get(subject)
      open.delete(subject)
      if (changed !== undefined && decision !== 'allow' && seq > changed) found.push({ subject, reason_code, to, seq })
    }
    looked += 1
    if (looked === RECENT || open.size === 0) break
  }
  return found.sort((a, b) => (a.subject < b.subject ? -1 : 1))
}

function byName({ tenants }: LedgerState): TenantState[] {
  return [...tenants.values()].sort((a, b) => (a.tenant < b.tenant ? -1 : 1))
}

/** What a controller says, for who has no clone; a clone is verified, this is believed. */
async function serverStatus(call: Call, server: string): Promise<ExitCode> {
  const tenants = await askTenants(call, server, call.args[0])
  const rows = tenants.flatMap(({ tenant, status: active, aliases }) =>
    Object.entries(aliases).map(([alias, held]) => ({ tenant, status: active, alias, ...held })),
  )
  const { terminal } = call
  if (terminal.json) terminal.out(JSON.stringify({ server, verified: false, aliases: rows }))
  else {
    terminal.out(`${server} says, and nothing here proves it; a clone does: contractor status --registry <dir>`)
    const head = ['TENANT', 'STATUS', 'ALIAS', 'BUNDLE', 'VERSION', 'DIGEST', 'SEQ']
    const cells = rows.map((row) => [row.tenant, row.status, row.alias, row.bundle, row.version, digest12(row.digest)])
    terminal.out(terminal.table([head, ...cells.map((row, index) => [...row, String(rows[index]?.seq)])]))
  }
  return 0
}

/** 1 where a log was refused, or no Runtime was heard of lately. */
async function fleetStatus(call: Call, clone: Clone): Promise<ExitCode> {
  const fleet = await askFleet(call, clone)
  const { terminal } = call
  if (terminal.json) terminal.out(JSON.stringify(fleet))
  else {
    terminal.out(`ledger seq ${fleet.seq}  witness ${fleet.witness}`)
    terminal.out(terminal.table(fleetRows(fleet)))
  }
  const isWell = fleet.runtimes.some(isPresent) && fleet.runtimes.every(({ trouble }) => trouble === null)
  return isWell ? 0 : 1
}
