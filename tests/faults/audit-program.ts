import { appendAll, openLog } from './audit-run.ts'
import { DONE, NOT_DONE, REFUSED, type Task } from './scenario.ts'

/** Appends records over a full tile with two checkpoints between them, and says of each when it is durable. */
export async function auditProgram({ folder, tell }: Task): Promise<number> {
  try {
    const log = await openLog(folder)
    const told = (index: number): void => tell(`durable ${index}\n`)
    let refused = await appendAll(log, 8, told)
    for (let attempt = 0; attempt < 3; attempt++) if (await log.publish().then(Boolean, () => false)) break
    refused += await appendAll(log, 4, told)
    await log.close().catch(() => log.close())
    return refused === 0 ? DONE : NOT_DONE
  } catch (error) {
    tell(String(error))
    return REFUSED
  }
}
