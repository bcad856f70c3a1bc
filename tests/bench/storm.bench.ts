import { storm } from '../support/promotion-storm.ts'
import { openWorkerWorld, statusOf, stopProcess } from '../support/running-workers.ts'

const PROMOTIONS = 1_000
const WITHIN_MS = 60_000
const CLIENTS = 16

/** A thousand promotions of one tenant in a minute, while clients ask without pause. */
export async function run(): Promise<string> {
  const rows: string[] = []
  for (const workers of [1, 2]) {
    const world = await openWorkerWorld()
    try {
      const runtime = await world.start({ CONTRACTOR_WORKERS: String(workers) })
      const seen = await storm(world, runtime.url, { promotions: PROMOTIONS, withinMs: WITHIN_MS, clients: CLIENTS })
      const { seq } = world.registry.ledger.head
      const from = performance.now()
      while ((await statusOf(runtime.url)).seq !== seq && performance.now() - from < 60_000);
      const lagMs = (performance.now() - from).toFixed(0)
      const { promotions, seconds, answers, failed, mixed, changes } = seen
      const cells = [workers, promotions, seconds.toFixed(1), answers, failed.length, mixed.length, changes, lagMs]
      rows.push(`| ${cells.join(' | ')} |`)
      for (const text of [...failed, ...mixed].slice(0, 3)) process.stderr.write(`${text}\n`)
      await stopProcess(runtime)
    } finally {
      await world.close()
    }
  }
  return [
    `${PROMOTIONS} promotions of one tenant, ${CLIENTS} clients that ask without pause, all on one machine:`,
    '',
    '| workers | promotions | seconds | answers | failed | mixed | changes of version that clients saw | ms until the last was served by all |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
