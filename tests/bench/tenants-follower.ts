import { openBundleStore } from '../../runtime/bundle/store.ts'
import { openRepository } from '../../runtime/git/repository.ts'
import { follow } from '../../runtime/tenants/follow.ts'
import type { Root } from '../../schemas/ledger/trust.ts'
import { quiet } from '../support/followed-registry.ts'

/** What one look cost, and what is held afterwards. */
export type Looked = {
  cpuMs: number
  wallMs: number
  heapBytes: number
  rssBytes: number
  tenants: number
  seq: number
}

const { location, root, stateDir } = JSON.parse(process.argv[2] ?? '') as {
  location: string
  root: Root
  stateDir: string
}

/** Follows a registry in a process of its own, so that nothing but the table of tenants lies in its memory. */
async function looks(): Promise<(nowMs: number) => Promise<Looked>> {
  let clock = 0
  const now = () => new Date(clock)
  const repository = await openRepository(location)
  const bundleStore = await openBundleStore({ folder: `${stateDir}/bundles`, maxBytes: 1e9, now })
  let follower: Awaited<ReturnType<typeof follow>> | null = null
  return async (nowMs) => {
    clock = nowMs
    const cpu = process.cpuUsage()
    const from = performance.now()
    follower ??= await follow({
      repository,
      root,
      stateDir,
      bundleStore,
      runtimeVersion: '1.0.0',
      now,
      log: quiet,
      pollIntervalMs: 3_600_000,
      watch: false,
    })
    await follower.sync()
    const { user, system } = process.cpuUsage(cpu)
    const wallMs = performance.now() - from
    for (let round = 0; round < 3; round += 1) globalThis.gc?.()
    const { heapUsed, external, rss } = process.memoryUsage()
    return {
      cpuMs: (user + system) / 1000,
      wallMs,
      heapBytes: heapUsed + external,
      rssBytes: rss,
      tenants: [...follower.tenants()].filter(({ aliases }) => aliases.current?.kind === 'bundle').length,
      seq: follower.status().seq,
    }
  }
}

const look = await looks()
process.on('message', (nowMs: number) => {
  void look(nowMs).then((looked) => process.send?.(looked))
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
