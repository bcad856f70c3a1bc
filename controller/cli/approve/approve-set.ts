import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { approvalSetOf, setStatement, type SetMember } from '../../../runtime/trust/approval-set.ts'
import { changeSeq } from '../../../runtime/trust/change-seq.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import type { Alias } from '../../../schemas/registry/alias.ts'
import { digest12 } from '../../../schemas/names.ts'
import { openMainReader } from '../../promotion/read-main.ts'
import { SETS_FOLDER } from '../../promotion/read-sets.ts'
import { isReadable } from '../../promotion/wanted.ts'
import { signApproval } from './approval-signature.ts'
import { pinVersion } from '../clone/bundle-version.ts'
import type { Clone } from '../clone/clone.ts'
import { optionText, type Call } from '../command.ts'
import { commitPaths, enterBranch } from '../clone/commit-branch.ts'
import { ledgerOfClone } from '../clone/ledger-of-clone.ts'

type Change = SetMember & { file: Alias }

/** Signs what the alias files of many tenants at HEAD say, where all of them name one digest, with one signature. */
export async function approveSet(call: Call, clone: Clone, alias: 'candidate' | 'current'): Promise<number> {
  const { state } = await ledgerOfClone(call, clone)
  const changes = await changesAtHead(clone, state, alias, optionText(call, 'select'))
  const { bundle, version } = oneVersion(changes)
  const { digest } = await pinVersion(clone, state, bundle, version)
  const wrong = changes.find(({ file }) => file.digest !== digest)
  if (wrong !== undefined)
    throw new Fault(
      'DIGEST_MISMATCH',
      `${wrong.tenant} names ${wrong.file.digest}, and ${bundle} ${version} is ${digest}.`,
    )
  const set = approvalSetOf(changes)
  const statement = setStatement({ registry: state.registry.rules.registry, alias, digest }, set)
  const { signature, principal } = await signApproval(call, clone, state, statement)
  const stem = `${SETS_FOLDER}/${alias}/${digest12(digest)}.${principal}`
  const paths = [`${stem}.sig`, `${stem}.members`]
  const branch = await enterBranch(clone, paths, optionText(call, 'branch'), `approve/${alias}-${bundle}-${version}`)
  await mkdir(dirname(join(clone.root, stem)), { recursive: true })
  await writeFile(join(clone.root, `${stem}.sig`), signature)
  await writeFile(join(clone.root, `${stem}.members`), set.text)
  const what = `${alias} of ${changes.length} tenants ${bundle} ${version}`
  const commit = await commitPaths(clone, paths, `approve ${what} as ${principal}`)
  const { terminal } = call
  const tenants = changes.map(({ tenant }) => tenant)
  if (terminal.json) terminal.out(JSON.stringify({ branch, commit, principal, paths, statement, tenants }))
  else
    terminal.out(
      `${terminal.style('green', '✔')} approved as ${principal}: ${statement.trim()}\n  ${tenants.join(', ')}\n  committed on ${branch}: ${stem}.sig`,
    )
  return 0
}

/** Tenants whose alias file says something else than `live`, sorted. */
async function changesAtHead(
  clone: Clone,
  state: LedgerState,
  alias: 'candidate' | 'current',
  selector: string | undefined,
): Promise<Change[]> {
  const { tenants } = await openMainReader(clone.repository).read(await clone.git('rev-parse', 'HEAD'))
  const [label = '', value = ''] = selector?.split('=') ?? []
  const changes: Change[] = []
  for (const [tenant, wanted] of tenants ?? []) {
    const known = state.tenants.get(tenant)
    if (!('aliases' in wanted) || known === undefined) continue
    if (selector !== undefined && known.labels[label] !== value) continue
    const file = wanted.aliases[alias]
    const held = known.aliases[alias]
    if (file === undefined || !isReadable(file) || file.value.digest === held?.digest) continue
    changes.push({ tenant, from: held?.digest ?? null, seq: changeSeq(known, alias), file: file.value })
  }
  return changes.sort((a, b) => (a.tenant < b.tenant ? -1 : 1))
}

function oneVersion(changes: readonly Change[]): { bundle: string; version: string } {
  const versions = new Map(changes.map(({ file }) => [`${file.bundle} ${file.version} ${file.digest}`, file]))
  const [first] = versions.values()
  if (first === undefined) throw new Fault('USAGE', 'No alias file at HEAD differs from `live`; nothing to approve.')
  if (versions.size === 1) return first
  const found = [...versions.keys()].sort().join('; ')
  throw new Fault('USAGE', `One signature is for one digest, and these differ: ${found}. Choose with --select.`)
}
