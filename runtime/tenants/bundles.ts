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

/** What of a ledger's state bundles are judged and served by. */
export type TableState = Pick<LedgerState, 'governance' | 'keysets' | 'revoked' | 'seals' | 'tenants'>

export type Bundles = {
  /**
   * The bundle that an alias names: from memory, from disk, or from its tag.
   * @throws Fault `BUNDLE_REVOKED`, `INCOMPATIBLE_RUNTIME`, `POLICY_MISSING`, `BUNDLE_UNVERIFIED`
   */
  load(alias: AliasState, state: TableState): Promise<LoadedBundle>
  /** Forgets all others; those on disk stay as long as there is room. */
  retain(digests: ReadonlySet<string>): Promise<void>
}

/** Where the files of a bundle come from; whoever reads them has computed their digest again. */
export type SealedSource = {
  /** @throws Fault `BUNDLE_UNVERIFIED`, and those of Git */
  read(alias: AliasState, state: TableState): Promise<BundleFiles>
  /** Forgets what is in excess of all but these. */
  retain(digests: ReadonlySet<string>): Promise<void>
}

/** Sealed bundles from disk or from their tag, kept on disk. */
export function createSealedSource(deps: { repository: Repository; store: BundleStore; log: Log }): SealedSource {
  const { repository, store, log } = deps
  const writing = new Set<Promise<void>>()
  return {
    async read(alias, state) {
      const { files, damage } = await store.get(alias.digest)
      if (damage !== null)
        log.warn('a cached bundle was damaged and is fetched again', { digest: alias.digest, damage })
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
    },
    async retain(digests) {
      await Promise.all(writing)
      await store.evict(digests)
    },
  }
}

/** Loaded bundles by digest, shared by all tenants. */
export function createBundles({ source, runtimeVersion }: { source: SealedSource; runtimeVersion: string }): Bundles {
  const loaded = new Map<string, LoadedBundle>()
  return {
    async load(alias, state) {
      const revocation = state.revoked.find(({ digest }) => digest === alias.digest)
      if (revocation !== undefined)
        throw new Fault('BUNDLE_REVOKED', `${alias.digest} was revoked: ${revocation.reason}`)
      const known = loaded.get(alias.digest)
      const bundle = known ?? loadBundle(await source.read(alias, state))
      checkIdentity(alias, bundle)
      if (!fitsRuntime(bundle.compatibility, runtimeVersion)) throw incompatible(alias, bundle, runtimeVersion)
      loaded.set(alias.digest, bundle)
      return bundle
    },
    async retain(digests) {
      for (const digest of loaded.keys()) if (!digests.has(digest)) loaded.delete(digest)
      await source.retain(digests)
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
