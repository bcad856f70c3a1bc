import type { ObjectReader } from '../../runtime/git/object-reader.ts'
import { parseCommit } from '../../runtime/git/commit-object.ts'
import { entryAt } from '../../runtime/git/tree-files.ts'
import { ENTRY_PATH } from '../../runtime/trust/state-files.ts'
import { parseEntry } from '../../schemas/ledger/entry.ts'
import type { Decision, Entry } from '../../schemas/ledger/entry.ts'
import { CLONE_OPTION, openClone } from './clone/clone.ts'
import { optionNumber, type CommandSpec } from './command.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'
import { requireTenant } from './promote.ts'
import type { Terminal } from './terminal.ts'

export const log: CommandSpec = {
  name: 'log',
  summary: 'show the decisions of the controller, newest first',
  args: [['[tenant]', 'only decisions about this tenant']],
  options: [
    ['--limit <n>', 'how many entries of the ledger to look at (default: 100)'],
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const limit = optionNumber(call, 'limit', { min: 1, max: 1_000_000, preset: 100 })
    const clone = await openClone(call)
    const { oid, state } = await ledgerOfClone(call, clone)
    const tenant = call.args[0]
    if (tenant !== undefined) requireTenant(state, tenant)
    const entries: (Entry & { commit: string })[] = []
    for await (const entry of entriesFrom(clone.repository, oid)) {
      const decisions = entry.decisions.filter((decision) => tenant === undefined || concerns(decision, tenant))
      if (decisions.length > 0) entries.push({ ...entry, decisions })
      if (entries.length === limit) break
    }
    if (call.terminal.json) call.terminal.out(JSON.stringify({ entries }))
    else for (const entry of entries) call.terminal.out(formatEntry(entry, call.terminal))
    return 0
  },
}

/** Entries of a verified `live`, newest first. */
export async function* entriesFrom(reader: ObjectReader, head: string): AsyncGenerator<Entry & { commit: string }> {
  for (let oid: string | undefined = head; oid !== undefined;) {
    const { tree, parents } = parseCommit(await reader.read(oid, 'commit'))
    const file = await entryAt(reader, tree, ENTRY_PATH)
    if (file === null) return
    yield { commit: oid, ...parseEntry(await reader.read(file.oid, 'blob'), ENTRY_PATH) }
    oid = parents[0]
  }
}

function concerns({ subject }: Decision, tenant: string): boolean {
  return subject.startsWith(`${tenant}/`) || subject === `tenants/${tenant}`
}

const MARKS = { allow: ['green', '✔'], deny: ['red', '✘'], wait: ['yellow', '…'] } as const

function formatEntry({ seq, at, decisions, source }: Entry, terminal: Terminal): string {
  const lines = decisions.map(({ subject, decision, reason_code, from, to, people, message }) => {
    const [colour, mark] = MARKS[decision]
    const move = to === null ? '' : `  ${to.bundle} ${from === null ? '' : `${from.version} → `}${to.version}`
    const by = people.approvers.length === 0 ? '' : `  approved by ${people.approvers.join(', ')}`
    const why = decision === 'allow' ? '' : `\n      ${message}`
    return `  ${terminal.style(colour, mark)} ${subject}${move}  ${reason_code}${by}${why}`
  })
  return [`${terminal.style('bold', `seq ${seq}`)}  ${at}  main ${source.slice(0, 12)}`, ...lines].join('\n')
}
