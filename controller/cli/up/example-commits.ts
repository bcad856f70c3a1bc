import { formatCommit, type Person as GitPerson } from '../../../runtime/git/commit-object.ts'
import type { Repository } from '../../../runtime/git/repository.ts'
import { writeTree } from '../../../runtime/git/tree-files.ts'
import { approvalStatement } from '../../../runtime/trust/approvals.ts'
import { changeSeq } from '../../../runtime/trust/change-seq.ts'
import type { LedgerState } from '../../../runtime/trust/state.ts'
import { Fault } from '../../../schemas/fault.ts'
import { parseAlias } from '../../../schemas/registry/alias.ts'
import { digest12 } from '../../../schemas/names.ts'
import type { Signer } from '../../promotion/sign.ts'
import { aliasPath } from '../clone/alias-file.ts'
import type { Files } from './example.ts'
import { APPROVER, type Person } from './people.ts'

export type Commit = { branch: string; parent: string | null; message: string; author: Person; at: Date; files: Files }

/** Commits a whole tree on a branch of the bare registry, as a person would push it. */
export async function commitFiles(
  repository: Repository,
  { files, parent, branch, message, author, at }: Commit,
): Promise<string> {
  const who: GitPerson = {
    name: author.name,
    email: author.email,
    timestamp: Math.floor(at.getTime() / 1000),
    timezone: '+0000',
  }
  const tree = await writeTree(repository, files)
  const parents = parent === null ? [] : [parent]
  const oid = await repository.write(
    'commit',
    formatCommit({ tree, parents, author: who, committer: who, message: `${message}\n` }),
  )
  const ref = `refs/heads/${branch}`
  await repository.updateRefs([{ ref, old: await repository.readRef(ref), new: oid }])
  return oid
}

/**
 * An approval for every `current` in the files that would change, signed for what `live` holds now.
 * @throws Fault `FILE_INVALID` for an alias file of the example that cannot be used
 */
export async function approvalFiles(
  files: Files,
  registry: string,
  live: LedgerState | null,
  approver: Signer,
): Promise<Files> {
  const approvals = new Map<string, Buffer>()
  for (const [path, body] of files) {
    const tenant = /^tenants\/([^/]+)\/aliases\/current\.yaml$/.exec(path)?.[1]
    if (tenant === undefined) continue
    const { value, findings } = parseAlias(body, aliasPath(tenant, 'current'), 'current')
    if (value?.digest === undefined)
      throw new Fault('FILE_INVALID', `${path} of the example cannot be used.`, { findings })
    const held = live?.tenants.get(tenant)?.aliases.current
    if (held?.digest === value.digest) continue
    const change = {
      registry,
      tenant,
      alias: 'current' as const,
      from: held?.digest ?? null,
      digest: value.digest,
      seq: changeSeq(live?.tenants.get(tenant), 'current'),
    }
    const signature = await approver.sign(Buffer.from(approvalStatement(change)), 'contractor-approval')
    approvals.set(
      `tenants/${tenant}/approvals/current/${digest12(value.digest)}.${APPROVER.id}.sig`,
      Buffer.from(signature),
    )
  }
  return approvals
}
