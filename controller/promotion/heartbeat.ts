import type { Repository } from '../../runtime/git/repository.ts'
import { writeTree } from '../../runtime/git/tree-files.ts'
import { formatHeartbeat } from '../../runtime/trust/heartbeat-file.ts'
import { HEARTBEAT_PATH, HEARTBEAT_REF } from '../../runtime/trust/heartbeat.ts'
import { controllerPerson } from './controller-person.ts'
import type { LedgerHead } from './head.ts'
import type { Signer } from './sign.ts'
import { writeSignedCommit } from './signed-objects.ts'

/** Says, signed by the heartbeat key, that `head` is the newest entry, for `validMs` from now. */
export async function writeHeartbeat(
  repository: Repository,
  signer: Signer,
  { oid, seq, state }: Pick<LedgerHead, 'oid' | 'seq' | 'state'>,
  now: Date,
  validMs: number,
): Promise<void> {
  const { registry } = state.registry.rules
  const expires_at = new Date(now.getTime() + validMs).toISOString()
  const files = new Map([[HEARTBEAT_PATH, formatHeartbeat({ registry, seq, head: oid, expires_at })]])
  const commit = await writeSignedCommit(repository, signer, {
    tree: await writeTree(repository, files),
    parents: [],
    person: controllerPerson(registry, now),
    message: `heartbeat ${seq}\n`,
  })
  const old = await repository.readRef(HEARTBEAT_REF)
  await repository.updateRefs([{ ref: HEARTBEAT_REF, old, new: commit }])
}
