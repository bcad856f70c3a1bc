import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../schemas/fault.ts'
import type { Root } from '../schemas/ledger/trust.ts'
import { PACKAGE_VERSION } from '../schemas/package-root.ts'
import { openBundleStore } from './bundle/store.ts'
import type { RuntimeConfig } from './config.ts'
import { registryCredentials } from './git/credentials.ts'
import { openRepository } from './git/repository.ts'
import type { Log } from './http/log.ts'
import type { SignedLease } from './tenants/hearing.ts'
import { follow, type Follower, type FollowOptions, type LedgerFollower } from './tenants/follow.ts'
import { BUNDLE_TAGS } from './trust/bundle-tag.ts'
import { HEARTBEAT_REF } from './trust/heartbeat.ts'
import { LIVE_REF } from './trust/ledger.ts'

const FETCHED = [LIVE_REF, HEARTBEAT_REF, BUNDLE_TAGS]
const MAX_BUNDLE_CACHE_BYTES = 2 * 1024 ** 3

/** `F` is what is followed with. */
export type Following<F extends Follower = Follower> = {
  follower: F
  close: () => Promise<void>
  /** From now on; a registry that was opened with one. */
  useToken: (token: string) => void
}

async function leaseAt(path: string): Promise<SignedLease> {
  try {
    return { bytes: await readFile(path), signatures: await readFile(`${path}.sig`, 'utf8') }
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `${path} and ${path}.sig cannot be read`, { cause: error })
  }
}

/** Opens the registry that is configured and follows its `live`. @throws Fault `CONFIG_INVALID`, `NOT_FOUND` */
export async function startFollowing(
  config: RuntimeConfig,
  root: Root,
  log: Log,
  { now, onSwap }: { now: () => Date; onSwap: FollowOptions['onSwap'] },
): Promise<Following<LedgerFollower>> {
  let authorise = registryCredentials(config).credentials
  const credentials = authorise === undefined ? {} : { credentials: () => authorise?.() ?? '' }
  const mirror = join(config.stateDir, 'mirror')
  const { lease } = config
  if (lease !== null) await leaseAt(lease)
  const repository = await openRepository(config.registry, { mirror, fetch: FETCHED, ...credentials })
  try {
    const folder = join(config.stateDir, 'bundles')
    const follower = await follow({
      repository,
      root,
      stateDir: config.stateDir,
      bundleStore: await openBundleStore({ folder, maxBytes: MAX_BUNDLE_CACHE_BYTES, now }),
      runtimeVersion: PACKAGE_VERSION,
      now,
      log,
      readLease: lease === null ? undefined : () => leaseAt(lease),
      onSwap,
      pollIntervalMs: config.pollIntervalMs,
      watch: true,
    })
    const close = async () => {
      await follower.stop()
      await repository.close()
    }
    const useToken = (token: string) => {
      authorise = registryCredentials({ ...config, registryToken: token }).credentials
    }
    return { follower, close, useToken }
  } catch (error) {
    await repository.close()
    throw error
  }
}
