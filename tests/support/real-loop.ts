import { join } from 'node:path'
import { openEvents, type ControllerEvent } from '../../controller/events.ts'
import { openSandbox } from '../../controller/gates/sandbox.ts'
import { startLoop, type Loop } from '../../controller/loop.ts'
import { nothingCompared } from '../../controller/gates/shadow.ts'
import type { LedgerHead } from '../../controller/promotion/head.ts'
import { openMemoryFiles } from '../../controller/promotion/memory-files.ts'
import type { AliasState } from '../../schemas/ledger/state.ts'
import type { TestRegistry } from './test-registry.ts'

export type RealLoop = Loop & {
  told: ControllerEvent[]
  /** Waits until `live` is so. */
  until: (isSo: (head: LedgerHead) => boolean) => Promise<LedgerHead>
  /** Waits until the tenant's `current` holds this digest. */
  current: (tenant: string, digest: string) => Promise<AliasState>
}

const PATIENCE_MS = 60_000

/** A controller without its HTTP side, with real gates and the real time. */
export async function runRealLoop(registry: TestRegistry): Promise<RealLoop> {
  const told: ControllerEvent[] = []
  const events = openEvents(() => new Date())
  events.subscribe((event) => told.push(event))
  const loop = await startLoop({
    repository: registry.repository,
    root: registry.root,
    signer: registry.signer,
    heartbeatSigner: registry.heartbeatSigner,
    memory: await openMemoryFiles(join(registry.folder, 'state')),
    sandbox: openSandbox(),
    comparisons: () => nothingCompared,
    events,
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    pollIntervalMs: 60_000,
    heartbeatIntervalMs: 60_000,
    heartbeatValidMs: 600_000,
  })
  const until: RealLoop['until'] = async (isSo) => {
    const deadline = performance.now() + PATIENCE_MS
    while (performance.now() < deadline) {
      await loop.reconcileNow()
      if (isSo(loop.head())) return loop.head()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`the controller did not get there; told: ${JSON.stringify(told, null, 1)}`)
  }
  return {
    ...loop,
    told,
    until,
    async current(tenant, digest) {
      const aliasOf = ({ state }: LedgerHead) => state.tenants.get(tenant)?.aliases.current
      const held = aliasOf(await until((head) => aliasOf(head)?.digest === digest))
      if (held === undefined) throw new Error('unreachable')
      return held
    },
  }
}
