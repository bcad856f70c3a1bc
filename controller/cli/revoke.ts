import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { Fault } from '../../schemas/fault.ts'
import { ALIASES, DIGEST, digest12 } from '../../schemas/names.ts'
import { parseRevoked } from '../../schemas/registry/governance.ts'
import { CLONE_OPTION, openClone, type Clone } from './clone/clone.ts'
import { argument, optionText, type CommandSpec } from './command.ts'
import { BRANCH_OPTION, commitPaths, enterBranch } from './clone/commit-branch.ts'
import { ledgerOfClone, OFFLINE_OPTION, TRUST_OPTION } from './clone/ledger-of-clone.ts'

const PATH = 'governance/revoked.yaml'
const MAX_REASON = 500

export const revoke: CommandSpec = {
  name: 'revoke',
  summary: 'have a bundle never served again, committed on a branch; acts at once when it is merged',
  args: [['<digest>', 'sha256:… as `contractor status --json` prints it, or <bundle>@<version>']],
  options: [
    ['--reason <text>', 'why, for the people who will read it'],
    BRANCH_OPTION,
    TRUST_OPTION,
    OFFLINE_OPTION,
    CLONE_OPTION,
  ],
  async run(call) {
    const named = argument(call, 0, 'digest')
    const reason = optionText(call, 'reason') ?? ''
    if (reason === '' || reason.length > MAX_REASON)
      throw new Fault('USAGE', `--reason: say in 1 to ${MAX_REASON} characters why it is revoked.`)
    const clone = await openClone(call)
    const { state } = await ledgerOfClone(call, clone)
    const digest = digestOf(state, named)
    const branch = await enterBranch(clone, [PATH], optionText(call, 'branch'), `revoke/${digest12(digest)}`)
    await addRevocation(clone, { digest, reason, at: new Date().toISOString() })
    const commit = await commitPaths(clone, [PATH], `revoke ${named}`)
    const served = servedBy(state, digest)
    const { terminal } = call
    if (terminal.json) terminal.out(JSON.stringify({ digest, reason, branch, commit, served_by: served }))
    else {
      const lost = served.length === 0 ? 'no alias holds it' : `without a bundle then: ${served.join(', ')}`
      terminal.out(`${terminal.style('green', '✔')} ${digest} is revoked once ${branch} is merged; ${lost}
  Runtimes answer BUNDLE_REVOKED, and go back to nothing by themselves: contractor rollback <tenant>`)
    }
    return 0
  },
}

/** @throws Fault `USAGE` where nothing of this name was ever sealed */
function digestOf({ seals }: LedgerState, named: string): string {
  const seal = [...seals.values()].find((one) => one.digest === named || `${one.bundle}@${one.version}` === named)
  if (seal !== undefined) return seal.digest
  const form = DIGEST.test(named) ? 'No sealed bundle has this digest' : 'Expected sha256:… or <bundle>@<version>'
  throw new Fault('USAGE', `${form}: "${named}". \`contractor status --json\` prints the digests that are held.`)
}

/** `<tenant>/<alias>` of each alias that holds it. */
function servedBy({ tenants }: LedgerState, digest: string): string[] {
  return [...tenants.values()]
    .flatMap(({ tenant, aliases }) =>
      ALIASES.flatMap((alias) => (aliases[alias]?.digest === digest ? [`${tenant}/${alias}`] : [])),
    )
    .sort()
}

async function addRevocation(clone: Clone, revocation: { digest: string; reason: string; at: string }): Promise<void> {
  const file = join(clone.root, PATH)
  const bytes = await readFile(file).catch((error: unknown) => {
    if ((error as { code?: string }).code === 'ENOENT') return Buffer.from('revoked: []\n')
    throw error
  })
  const { value, findings } = parseRevoked(bytes, PATH)
  if (value === null) throw new Fault('FILE_INVALID', `${PATH} cannot be used.`, { findings })
  if (value.revoked.some(({ digest }) => digest === revocation.digest))
    throw new Fault('USAGE', `${PATH} names ${revocation.digest} already; merge it, if it is not in force.`)
  const document = parseDocument(bytes.toString('utf8'))
  if (value.revoked.length === 0) document.set('revoked', document.createNode([revocation]))
  else document.addIn(['revoked'], document.createNode(revocation))
  await writeFile(file, document.toString({ flowCollectionPadding: true, lineWidth: 0 }))
}
