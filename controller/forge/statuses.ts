import { join } from 'node:path'
import { makeDirectory, removeLeftovers } from '../../runtime/git/durable-fs.ts'
import type { Fault } from '../../schemas/fault.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Looked } from '../reconcile.ts'
import type { CommitStatus } from './commit-status.ts'
import { openForgeClient, type ForgeApi } from './forge-client.ts'
import { faultVerdict, MAIN_CONTEXT, mainVerdict } from './main-status.ts'
import { openStatusQueue } from './status-queue.ts'

/** Tells the forge what the controller thinks of commits. */
export type Statuses = {
  put: (status: Omit<CommitStatus, 'target'>) => void
  /** What became of the tip of `main`. */
  looked: (looked: Looked | Reason) => void
  stop: () => Promise<void>
}

export type StatusesDeps = {
  forge: ForgeApi
  stateDir: string
  /** Where people reach this controller; null for nowhere. */
  publicUrl: string | null
  now: () => Date
  onFault: (fault: Fault) => void
  /** A fault of the software or the disk. */
  onInternal: (error: unknown) => void
}

/** @throws Fault `CONFIG_INVALID` where the file of what waits is damaged */
export async function openStatuses(deps: StatusesDeps): Promise<Statuses> {
  const { forge, stateDir, publicUrl, now, onFault, onInternal } = deps
  const client = openForgeClient(forge, now)
  // A folder of its own: leftovers of crashes are swept by folder, and the state folder is swept after this opens.
  const folder = join(stateDir, 'forge')
  await makeDirectory(folder)
  await removeLeftovers(folder)
  const queue = await openStatusQueue({ file: join(folder, 'statuses.json'), post: client.post, now, onFault })
  const target = publicUrl === null ? null : `${publicUrl}/`
  let tip: string | null = null

  const put: Statuses['put'] = (status) => void queue.put({ ...status, target }).catch(onInternal)
  return {
    put,
    looked(looked) {
      if (typeof looked !== 'string') tip = looked.tip
      if (tip === null) return
      const verdict =
        typeof looked === 'string'
          ? faultVerdict(looked)
          : mainVerdict(looked.live.standing, looked.judging, looked.live.head.seq)
      put({ commit: tip, context: MAIN_CONTEXT, ...verdict })
    },
    async stop() {
      await queue.stop()
      client.close()
    },
  }
}
