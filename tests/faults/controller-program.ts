import { join } from 'node:path'
import type { LedgerState } from '../../runtime/trust/state.ts'
import { runController } from './controller-run.ts'
import { DONE, NOT_DONE, REFUSED, type Task } from './scenario.ts'

const PATIENCE_MS = 30_000

/** A controller over the registry in the folder, from its start until its goal is on `live`. */
export const controllerProgram =
  (isDone: (state: LedgerState) => boolean) =>
  async ({ folder, tell }: Task): Promise<number> => {
    const location = join(folder, 'registry.git')
    try {
      const onFault = (message: string): void => tell(`${message}\n`)
      return (await runController(folder, { location, isDone, timeoutMs: PATIENCE_MS, onFault })) ? DONE : NOT_DONE
    } catch (error) {
      tell(`${String(error)}\n`)
      return REFUSED
    }
  }
