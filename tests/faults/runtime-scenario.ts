import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFollowedRegistry } from '../support/followed-registry.ts'
import { leftoverViolations } from './registry-invariants.ts'
import { runtimeProgram } from './runtime-program.ts'
import { runFollower, type Seen } from './runtime-run.ts'
import { copyFolder, type Scenario } from './scenario.ts'

export const SERVED_BEFORE = { version: '1.0.0', seq: 2 }
export const SERVED_AFTER = { version: '1.1.0', seq: 3 }

/** A Runtime takes over a new `current`: the bundle into its cache, the head and the heartbeat into its state. */
export const runtime: Scenario = {
  name: 'cache write',
  program: runtimeProgram,
  place: 'program',
  looksAtTheClock: true,
  async prepare(folder) {
    const registry = await openFollowedRegistry()
    try {
      const [first, second] = [await registry.seal('1.0.0'), await registry.seal('1.1.0')]
      await registry.ledger.addTenant('retail')
      await registry.ledger.promote('retail', 'current', first)
      await registry.publish()
      const made = join(registry.location, '..')
      await writeFile(join(made, 'root.json'), JSON.stringify(registry.ledger.root))
      await writeFile(join(made, 'now'), registry.clock.now().toISOString())
      await runFollower(made, '1.0.0')
      await copyFolder(registry.location, join(made, 'yesterday.git'))
      await registry.ledger.promote('retail', 'current', second)
      await registry.publish()
      await writeFile(join(made, 'now'), registry.clock.now().toISOString())
      await copyFolder(made, folder)
    } finally {
      await registry.close()
    }
  },
  async violations(folder, { output }) {
    const violations: string[] = []
    const seen = /\{.*\}/.exec(output)?.[0]
    const served = seen === undefined ? null : (JSON.parse(seen) as Seen)
    if (served !== null && served.version !== '1.0.0' && served.version !== '1.1.0')
      violations.push(`INV5: it served ${served.version}`)
    const offline = await runFollower(folder, '1.0.0', { isAway: true })
    if (offline.seq === null || offline.seq < SERVED_BEFORE.seq || offline.seq < (served?.seq ?? 0))
      violations.push(`INV6: it had accepted ${served?.seq ?? SERVED_BEFORE.seq}, after the restart ${offline.seq}`)
    if (offline.version !== '1.0.0' && offline.version !== '1.1.0')
      violations.push(`INV5: after a restart without Git it serves ${offline.version}`)
    const online = await runFollower(folder, SERVED_AFTER.version)
    if (JSON.stringify(online) !== JSON.stringify(SERVED_AFTER))
      violations.push(`INV5: after a restart it serves ${JSON.stringify(online)}`)
    return [...violations, ...(await leftoverViolations(folder, []))]
  },
}
