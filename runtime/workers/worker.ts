import type { BundleFiles } from '../bundle/files.ts'
import { Fault } from '../../schemas/fault.ts'
import { PACKAGE_VERSION } from '../../schemas/package-root.ts'
import { startRuntime, type RunningRuntime } from '../start.ts'
import { createBundles, type SealedSource } from '../tenants/bundles.ts'
import { openChannel, type Channel } from './channel.ts'
import type { PrimaryCalls, WorkerCalls, WorkerStart } from './calls.ts'
import { createClusterStore } from './cluster-store.ts'
import { openToldTable, type ToldTable } from './told-table.ts'

/** Bundles are large, and a primary that starts has much to do. */
const BUNDLE_PATIENCE_MS = 30_000
const OPENED_PATIENCE_MS = 120_000

/** What is left of a worker whose primary is gone ends with node:cluster's own rule: at once. */
let table: ToldTable | null = null
let runtime: RunningRuntime | null = null
let stopping: Promise<{ origin: string; size: number }> | null = null

const wire = {
  send: (frames: unknown[]) => void process.send?.(frames),
  onFrames: (listener: (frames: unknown[]) => void) =>
    void process.on('message', (message) => Array.isArray(message) && listener(message)),
}

const primary: Channel<PrimaryCalls> = openChannel<WorkerCalls, PrimaryCalls>(wire, {
  async start(order) {
    runtime = await start(order)
    return { url: runtime.url, port: runtime.port }
  },
  async ledger(news) {
    await table?.tell(news)
    return null
  },
  standing(standing) {
    table?.stand(standing)
    return null
  },
  async reload(config) {
    await running().reload(config)
    return null
  },
  figures: () => running().figures(),
  size: () => sizeOf(running()),
  stop,
})

function running(): RunningRuntime {
  if (runtime === null) throw new Fault('STARTING', 'the worker has not started yet')
  return runtime
}

function sizeOf({ audit }: RunningRuntime): { origin: string; size: number } {
  return { origin: audit.origin, size: audit.status().size }
}

function stop(): Promise<{ origin: string; size: number }> {
  stopping ??= (async () => {
    const ended = running()
    await ended.stop()
    return sizeOf(ended)
  })()
  return stopping
}

async function start({ worker, config, ledger, standing }: WorkerStart): Promise<RunningRuntime> {
  const source: SealedSource = {
    read: (alias): Promise<BundleFiles> => primary.ask('bundle', alias, BUNDLE_PATIENCE_MS),
    retain: () => Promise.resolve(),
  }
  const bundles = createBundles({ source, runtimeVersion: PACKAGE_VERSION })
  return startRuntime(config, {
    worker: {
      id: worker,
      async follow(onSwap) {
        table = openToldTable(bundles, standing, onSwap)
        if (ledger !== null) await table.tell(ledger)
        const close = () => table?.follower.stop() ?? Promise.resolve()
        return { follower: table.follower, close, useToken: () => undefined }
      },
      async opened(dir, audit) {
        const { published } = audit.status()
        await primary.ask('opened', { dir, origin: audit.origin, published }, OPENED_PATIENCE_MS)
      },
      limits: createClusterStore(primary),
      fleet: { look: () => primary.ask('fleet', null) },
    },
  })
}

// A terminal sends these to the whole group; what they mean is for the primary to say.
process.on('SIGINT', () => undefined).on('SIGHUP', () => undefined)
process.on('SIGTERM', () => {
  void stop().finally(() => process.exit(0))
})

// Nothing is said before somebody listens.
process.send?.([])
