import { writeSync } from 'node:fs'
import { appendAll, openLog } from './audit-run.ts'
import { REFUSED } from './scenario.ts'

/** Appends records over a full tile with two checkpoints between them, and says of each when it is durable. */
try {
  const log = await openLog(process.argv[2] ?? '')
  const tell = (index: number) => writeSync(1, `durable ${index}\n`)
  let refused = await appendAll(log, 8, tell)
  for (let attempt = 0; attempt < 3; attempt++) if (await log.publish().then(Boolean, () => false)) break
  refused += await appendAll(log, 4, tell)
  await log.close().catch(() => log.close())
  process.exitCode = refused === 0 ? 0 : 4
} catch (error) {
  process.stderr.write(String(error))
  process.exitCode = REFUSED
}
