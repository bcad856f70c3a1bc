import { join } from 'node:path'
import { pino } from 'pino'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { filesDigest } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import { openBundleStore } from '../../runtime/bundle/store.ts'
import { initBareRepository } from '../../runtime/git/init-repository.ts'
import { openRepository, type Repository } from '../../runtime/git/repository.ts'
import { createLog, type Log } from '../../runtime/http/log.ts'
import { follow, type Follower, type FollowOptions } from '../../runtime/tenants/follow.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'
import type { Registry } from '../../schemas/registry/registry.ts'
import { bundleSource, FAQ } from './bundle-source.ts'
import { buildLedger, type LedgerBuilder } from './ledger-builder.ts'
import { temporaryFolder } from './ssh-keygen.ts'

export const quiet: Log = createLog('silent', pino.destination({ dest: '/dev/null', sync: true }))

/** A clock that only a test moves; the monotonic one goes on with it unless `wallOnly`. */
export type TestClock = {
  now: () => Date
  monotonicMs: () => number
  advance(ms: number): void
  jump(ms: number): void
}

export type FollowedRegistry = {
  location: string
  repository: Repository
  ledger: LedgerBuilder
  clock: TestClock
  stateDir: string
  /** Seals a version of the bundle `faq`, tag and all; its answer names the version. */
  seal(version: string, changes?: Readonly<Record<string, string | null>>): Promise<SealRecord>
  /** Points `live` at a commit (the head by default) and lets the controller vouch for the head. */
  publish(head?: string): Promise<void>
  setRef(ref: string, oid: string | null): Promise<void>
  /** A Runtime's follower; one state directory for all of them, unless told otherwise. */
  start(options?: Partial<FollowOptions>): Promise<Follower>
  close(): Promise<void>
}

/** A real bare repository with a ledger, its tags and heartbeat, written as the controller writes them. */
export async function openFollowedRegistry(rules: Partial<Registry> = {}): Promise<FollowedRegistry> {
  const folder = await temporaryFolder()
  const location = join(folder, 'registry.git')
  await initBareRepository(location)
  const repository = await openRepository(location)
  const ledger = await buildLedger({ objects: repository, rules })
  const stateDir = join(folder, 'state')
  const started: Follower[] = []
  let wallMs = 0
  let monotonic = 1_000
  const clock: TestClock = {
    now: () => new Date(ledger.head.at.getTime() + wallMs),
    monotonicMs: () => monotonic,
    advance(ms) {
      wallMs += ms
      monotonic += ms
    },
    jump(ms) {
      wallMs += ms
    },
  }

  async function setRef(ref: string, oid: string | null): Promise<void> {
    const old = await repository.readRef(ref)
    if (old !== oid) await repository.updateRefs([{ ref, old, new: oid }])
  }

  return {
    location,
    repository,
    ledger,
    clock,
    stateDir,
    setRef,
    async seal(version, changes = {}) {
      const manifest = (FAQ['manifest.yaml'] ?? '').replace('bundle_version: 1.0.0', `bundle_version: ${version}`)
      const template = `It takes three days, says ${version}.`
      const source = bundleSource({ 'manifest.yaml': manifest, 'templates/card_arrival.j2': template, ...changes })
      const { files, digest, sourceDigest, bundleId } = compiled(source)
      const { record, ref } = await ledger.seal('faq', version, files, digest)
      await setRef(ref, record.tag_object)
      return { ...record, source_digest: sourceDigest, bundle_id: bundleId }
    },
    async publish(head = ledger.head.oid) {
      await setRef('refs/heads/live', head)
      await setRef('refs/heads/heartbeat', await ledger.heartbeat({ signedAt: clock.now() }))
    },
    async start(options = {}) {
      const bundleStore = await openBundleStore({ folder: join(folder, 'bundles'), maxBytes: 1e9, now: clock.now })
      const follower = await follow({
        repository,
        root: ledger.root,
        stateDir,
        bundleStore,
        runtimeVersion: '1.0.0',
        now: clock.now,
        monotonicMs: clock.monotonicMs,
        log: quiet,
        pollIntervalMs: 3_600_000,
        watch: false,
        ...options,
      })
      started.push(follower)
      return follower
    },
    async close() {
      for (const follower of started) await follower.stop()
      await repository.close()
    },
  }
}

/** Version that a tenant's alias is served from, or the reason why it is not. */
export function servedVersion(
  follower: Follower,
  tenant: string,
  alias: 'current' | 'candidate' = 'current',
): string | null {
  const served = follower.tenant(tenant)?.aliases[alias]
  if (served === undefined) return null
  return served.kind === 'bundle' ? served.bundle.version : served.reason
}

const compiledBefore = new Map<string, ReturnType<typeof compileBundle>>()

/** Compiling is a function of the source, and the slowest part of these tests. */
function compiled(source: BundleFiles): ReturnType<typeof compileBundle> {
  const key = filesDigest(source)
  const known = compiledBefore.get(key) ?? compileBundle(source, 1)
  compiledBefore.set(key, known)
  return known
}
