import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openCheckpoint } from '../../runtime/audit/checkpoint.ts'
import { parseVerifier } from '../../runtime/audit/note.ts'
import { logFolders, readCheckpointNote } from '../../runtime/audit/read-log.ts'
import { verifyAuditFolder } from '../../runtime/audit/verify-log.ts'
import { auditProgram } from './audit-program.ts'
import { appendAll, openLog } from './audit-run.ts'
import { leftoverViolations } from './registry-invariants.ts'
import type { Scenario } from './scenario.ts'

const RECORDS_BEFORE = 250
/** A process that was killed must be up again within this time. */
const RECOVERY_MS = 2000

/** An audit log that is made, and one that fills a tile; both with checkpoints. */
export const audits: readonly Scenario[] = [
  {
    name: 'checkpoint',
    program: auditProgram,
    place: 'program',
    looksAtTheClock: false,
    async prepare(folder) {
      await mkdir(folder, { recursive: true })
      const log = await openLog(folder)
      await Promise.all(Array.from({ length: RECORDS_BEFORE }, (_, at) => appendAll(log, 1, () => at)))
      await log.close()
    },
    violations: (folder, { output }) => violationsOf(folder, output, RECORDS_BEFORE),
  },
  {
    name: 'first checkpoint',
    program: auditProgram,
    place: 'program',
    looksAtTheClock: false,
    prepare: async (folder) => void (await mkdir(folder, { recursive: true })),
    violations: (folder, { output }) => violationsOf(folder, output, 0),
  },
]

async function violationsOf(folder: string, output: string, before: number): Promise<string[]> {
  const violations: string[] = []
  const dir = join(folder, 'audit')
  const told = [...output.matchAll(/durable (\d+)/g)].map(([, index]) => Number(index))
  if (told.some((index, at) => index !== before + at)) violations.push(`INV4: records ${told.join()}`)
  const note = await readCheckpointNote(logFolders(dir)).catch(() => null)
  if (note === null && told.length > 0) violations.push('INV4: it lost its checkpoint')
  const began = performance.now()
  const log = await openLog(folder)
  const took = performance.now() - began
  if (took > RECOVERY_MS) violations.push(`INV9: it was up again after ${Math.round(took)} ms`)
  const { size } = log.status()
  if (size < before + told.length)
    violations.push(`INV7: ${before + told.length} records were durable, ${size} are there`)
  if ((await appendAll(log, 1, () => undefined)) > 0) violations.push('INV7: it takes no records')
  await log.close()
  const anchors = note === null || before === 0 ? [] : [openCheckpoint(note, log.origin, parseVerifier(log.verifier))]
  const verified = await verifyAuditFolder(dir, log.verifier, { anchors })
  if (verified.size !== size + 1) violations.push(`INV4: ${verified.size} records verify, expected ${size + 1}`)
  return [...violations, ...(await leftoverViolations(folder, []))]
}
