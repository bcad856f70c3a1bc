import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { faqVersion } from '../support/chain.ts'
import { emptyEnvironment } from '../support/embedded.ts'
import { eventually } from '../support/eventually.ts'
import { startServer } from '../support/program.ts'
import { openTestRegistry } from '../support/test-registry.ts'
import { usageOfProcess } from './process-usage.ts'

const VERSIONS = 5
const KILLS = 7

/** From the start of `contractor controller` to `/readyz`, on a registry whose last controller was killed. */
export async function run(): Promise<string> {
  const registry = await openTestRegistry()
  const trust = join(registry.folder, 'root.json')
  await writeFile(trust, JSON.stringify(registry.root))
  const env = {
    ...(await emptyEnvironment()),
    CONTRACTOR_REGISTRY: registry.location,
    CONTRACTOR_TRUST: trust,
    CONTRACTOR_KEYS: registry.folder,
    CONTRACTOR_STATE_DIR: join(registry.folder, 'controller-state'),
    CONTRACTOR_CONTROLLER_PORT: '0',
  }
  const times: number[] = []
  const cpu: number[] = []
  try {
    for (let kill = 0; kill <= KILLS; kill += 1) {
      const from = performance.now()
      const controller = await startServer(['controller'], registry.folder, env)
      await eventually(
        () => fetch(`${controller.url}/readyz`).then(({ status }) => status),
        (status) => status === 200,
      )
      // The first start makes what the others find.
      if (kill > 0) {
        times.push(performance.now() - from)
        cpu.push((usageOfProcess(controller.process.pid)?.cpuUs ?? Number.NaN) / 1000)
      }
      if (kill === 0) for (let at = 1; at <= VERSIONS; at += 1) await seal(`0.1.${at}`)
      const exit = once(controller.process, 'exit')
      controller.process.kill('SIGKILL')
      await exit
    }
  } finally {
    await registry.close()
  }
  return [
    `${KILLS} kills of a controller with ${VERSIONS} sealed versions.`,
    '',
    '| start to ready p50 ms | max ms | CPU ms p50 |',
    '|---|---|---|',
    `| ${[median(times), Math.max(...times), median(cpu)].map((ms) => ms.toFixed(0)).join(' | ')} |`,
  ].join('\n')

  async function seal(version: string): Promise<void> {
    await registry.commit(faqVersion(version).files)
    await eventually(
      () => registry.repository.readRef(`refs/tags/bundles/faq/${version}`),
      (tag) => tag !== null,
      60_000,
    )
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
