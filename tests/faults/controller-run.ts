import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openEvents } from '../../controller/events.ts'
import { nothingCompared } from '../../controller/gates/shadow.ts'
import { startLoop } from '../../controller/loop.ts'
import { openMemoryFiles } from '../../controller/promotion/memory-files.ts'
import { openSigner } from '../../controller/promotion/sign.ts'
import { openRepository } from '../../runtime/git/repository.ts'
import { parseRoot } from '../../runtime/trust/root.ts'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { eventually } from '../support/eventually.ts'
import { sealingSandbox } from '../support/sealing-sandbox.ts'

export const FETCH = [
  'refs/heads/main',
  'refs/heads/live',
  'refs/heads/reports',
  'refs/heads/heartbeat',
  'refs/tags/bundles/',
]

export type ControllerRun = {
  /** What `main` wants, done. */
  isDone: (state: LedgerState) => boolean
  location: string
  stateDir?: string
  timeoutMs?: number
  onFault?: (message: string) => void
}

/**
 * A controller over the test registry in `folder`, from its start until it did what it is to do.
 * Answers whether it came so far.
 */
export async function runController(folder: string, options: ControllerRun): Promise<boolean> {
  const { location, isDone, stateDir = join(folder, 'state'), timeoutMs = 30_000 } = options
  const repository = await openRepository(location, {
    mirror: join(stateDir, 'mirror'),
    fetch: FETCH,
    stallMs: 2000,
    timeoutMs: 10_000,
  })
  try {
    const now = () => new Date()
    const events = openEvents(now)
    events.subscribe((event) => {
      if (event.type === 'fault') options.onFault?.(`${event.reason_code} ${event.message}`)
    })
    const loop = await startLoop({
      repository,
      root: parseRoot(await readFile(join(folder, 'root.json'))),
      signer: await openSigner(join(folder, 'controller')),
      heartbeatSigner: await openSigner(join(folder, 'heartbeat')),
      memory: await openMemoryFiles(stateDir),
      sandbox: sealingSandbox(),
      events,
      now,
      monotonicMs: () => performance.now(),
      pollIntervalMs: 100,
      heartbeatIntervalMs: 60_000,
      heartbeatValidMs: 600_000,
      comparisons: () => nothingCompared,
    })
    try {
      return await eventually(
        async () => {
          await loop.reconcileNow()
          return isDone(loop.head().state)
        },
        (done) => done,
        timeoutMs,
      ).catch(() => false)
    } finally {
      await loop.stop()
    }
  } finally {
    await repository.close()
  }
}
