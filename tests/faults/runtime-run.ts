import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openBundleStore } from '../../runtime/bundle/store.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { follow } from '../../runtime/tenants/follow.ts'
import { parseRoot } from '../../runtime/trust/root.ts'
import { FETCH } from './controller-run.ts'
import { quiet, servedVersion } from '../support/followed-registry.ts'

/** What a Runtime serves to the tenant `retail`, and the seq that it accepted. */
export type Seen = { version: string | null; seq: number | null }

const LOOKS = 5

export type FollowerRun = {
  /** Of the registry; the one in the folder by default. */
  location?: string
  /** Whether Git does not answer. */
  isAway?: boolean
}

/** A Runtime's follower over the ledger in `folder`, until it serves `version`, or has looked often enough. */
export async function runFollower(
  folder: string,
  version: string,
  { location = join(folder, 'registry.git'), isAway = false }: FollowerRun = {},
): Promise<Seen> {
  const began = Date.now()
  const first = Date.parse(await readFile(join(folder, 'now'), 'utf8'))
  const now = (): Date => new Date(first + Date.now() - began)
  const opened = await openRepository(location, {
    mirror: join(folder, 'mirror'),
    fetch: FETCH,
    stallMs: 2000,
    timeoutMs: 10_000,
  })
  const away = () => Promise.reject(new Error('the network is away'))
  const repository: Repository = isAway ? { ...opened, refresh: away } : opened
  try {
    const follower = await follow({
      repository,
      root: parseRoot(await readFile(join(folder, 'root.json'))),
      stateDir: join(folder, 'state'),
      bundleStore: await openBundleStore({ folder: join(folder, 'bundles'), maxBytes: 1e9, now }),
      runtimeVersion: '1.0.0',
      now,
      log: quiet,
      pollIntervalMs: 3_600_000,
      watch: false,
    })
    try {
      const seen = (): Seen => ({ version: servedVersion(follower, 'retail'), seq: follower.status().seq })
      const isDone = () => seen().version === version && follower.status().status === 'ready'
      for (let look = 0; look < LOOKS && !isDone(); look++) await follower.sync()
      return seen()
    } finally {
      await follower.stop()
    }
  } finally {
    await opened.close()
  }
}
