import { lstat, lutimes, readlink, rm, symlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../schemas/fault.ts'
import { IDENTITY, isGone, processIdentity } from '../git/process-identity.ts'

const BEAT_MS = 5_000
/** Longer than the half minute after which a holder that cannot be seen and does not beat is taken for gone. */
const PATIENCE_MS = 40_000
const LOOK_AGAIN_MS = 500

export type FolderLock = { release(): Promise<void> }

async function holderOf(path: string): Promise<{ identity: string; ageMs: number } | null> {
  try {
    const { mtimeMs } = await lstat(path)
    const identity = await readlink(path).catch(notALink)
    return { identity, ageMs: Date.now() - mtimeMs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** What is no lock of ours names nobody. */
function notALink(error: NodeJS.ErrnoException): string {
  if (error.code === 'EINVAL') return ''
  throw error
}

/** A link that names its owner appears whole or not at all. */
async function take(path: string): Promise<FolderLock | null> {
  try {
    await symlink(processIdentity(), path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null
    throw error
  }
  const timer = setInterval(() => {
    const now = new Date()
    lutimes(path, now, now).catch(() => clearInterval(timer))
  }, BEAT_MS)
  timer.unref()
  return {
    async release() {
      clearInterval(timer)
      await rm(path, { force: true })
    },
  }
}

/**
 * Takes a folder for this process: two writers would destroy a log. A lock is left over when its process is gone; of a
 * holder in another container nothing can be seen but that it beats, which may take half a minute to tell.
 * @throws Fault `CONFIG_INVALID` when a live process holds it.
 */
export async function lockFolder(path: string): Promise<FolderLock> {
  for (let waitedMs = 0; waitedMs <= PATIENCE_MS;) {
    const lock = await take(path)
    if (lock !== null) return lock
    const holder = await holderOf(path)
    if (holder === null) continue
    const { identity, ageMs } = holder
    const isUnknown = !IDENTITY.test(identity)
    if (isUnknown ? ageMs > BEAT_MS : isGone(identity, ageMs)) {
      await rm(path, { force: true })
      continue
    }
    const isVisible = !isUnknown && !isGone(identity, Number.POSITIVE_INFINITY)
    if (isVisible) break
    await sleep(LOOK_AGAIN_MS)
    waitedMs += LOOK_AGAIN_MS
  }
  throw new Fault('CONFIG_INVALID', `${path}: another process writes this audit log; give each Runtime its own folder`)
}
