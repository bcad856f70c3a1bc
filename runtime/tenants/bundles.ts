import { Fault } from '../../schemas/fault.ts'
import type { AliasState } from '../../schemas/ledger/state.ts'
import { fitsRuntime, formatRange } from '../bundle/compatibility.ts'
import type { BundleFiles } from '../bundle/files.ts'
import { loadBundle, type LoadedBundle } from '../bundle/load.ts'
import type { BundleStore } from '../bundle/store.ts'
import type { Repository } from '../git/repository.ts'
import type { Log } from '../http/log.ts'
import { keysEver } from '../trust/keysets.ts'
import { readSealedBundle } from '../trust/sealed-bundle.ts'
import type { LedgerState } from '../trust/state.ts'

export type Bundles = {
  /**
   * The bundle that an alias names: from memory, from disk, or from its tag.
   * @throws Fault `BUNDLE_REVOKED`, `INCOMPATIBLE_RUNTIME`, `POLICY_MISSING`, `BUNDLE_UNVERIFIED`
   */
  load(alias: AliasState, state: LedgerState): Promise<LoadedBundle>
  /** Forgets all others; those on disk stay as long as there is room. */
  retain(digests: ReadonlySet<string>): Promise<void>
}

export type BundlesDeps = { repository: Repository; store: BundleStore; runtimeVersion: string; log: Log }

/** Sealed bundles by digest, shared by all tenants, verified from their bytes however they came. */
export function createBundles({ repository, store, runtimeVersion, log }: BundlesDeps): Bundles {
  const loaded = new Map<string, LoadedBundle>()
  const writing = new Set<Promise<void>>()

  async function load(alias: AliasState, state: LedgerState): Promise<LoadedBundle> {
    const revocation = state.revoked.find(({ digest }) => digest === alias.digest)
    if (revocation !== undefined) throw new Fault('BUNDLE_REVOKED', `${alias.digest} was revoked: ${revocation.reason}`)
    const known = loaded.get(alias.digest)
    const bundle = known ?? loadBundle(await sealedFiles(alias, state))
    checkIdentity(alias, bundle)
    if (!fitsRuntime(bundle.compatibility, runtimeVersion)) throw incompatible(alias, bundle, runtimeVersion)
    loaded.set(alias.digest, bundle)
    return bundle
  }

  async function sealedFiles(alias: AliasState, state: LedgerState): Promise<BundleFiles> {
    const { files, damage } = await store.get(alias.digest)
    if (damage !== null) log.warn('a cached bundle was damaged and is fetched again', { digest: alias.digest, damage })
    if (files !== null) return files
    const record = state.seals.get(`${alias.bundle}/${alias.version}`)
    if (record === undefined) throw unverified(alias, 'live has no record of its seal')
    const fetched = await readSealedBundle(repository, record, keysEver(state.keysets))
    const write = store.put(alias.digest, fetched).catch((error: unknown) => {
      log.error('a bundle could not be kept on disk', error, { digest: alias.digest })
    })
    writing.add(write)
    void write.then(() => writing.delete(write))
    return fetched
  }

  return {
    load,
    async retain(digests) {
      for (const digest of loaded.keys()) if (!digests.has(digest)) loaded.delete(digest)
      await Promise.all(writing)
      await store.evict(digests)
    },
  }
}

/**
 * Tags in use that are not as `live` says, in words. What is served stays: its digest stands in `live`.
 * @throws Fault of `runtime/git`
 */
export async function displacedTags(repository: Repository, aliases: Iterable<AliasState>, state: LedgerState) {
  const used = new Map([...aliases].map((alias) => [alias.tag, `${alias.bundle}/${alias.version}`]))
  const displaced: string[] = []
  for (const [ref, key] of used) {
    const oid = await repository.readRef(ref)
    if (oid === null) displaced.push(`${ref} was deleted`)
    else if (oid !== state.seals.get(key)?.tag_object) displaced.push(`${ref} was moved to ${oid}`)
  }
  return displaced
}

function checkIdentity(alias: AliasState, { digest, name, version, bundleId }: LoadedBundle): void {
  if (digest !== alias.digest || name !== alias.bundle || version !== alias.version || bundleId !== alias.bundle_id)
    throw unverified(alias, `the bundle says that it is ${name} ${version} (${bundleId}, ${digest})`)
}

const incompatible = ({ bundle, version }: AliasState, { compatibility }: LoadedBundle, runtime: string) =>
  new Fault(
    'INCOMPATIBLE_RUNTIME',
    `${bundle} ${version} needs a Runtime ${formatRange(compatibility)}, this one is ${runtime}`,
  )

const unverified = ({ bundle, version }: AliasState, why: string) =>
  new Fault('BUNDLE_UNVERIFIED', `${bundle} ${version}: ${why}`)
