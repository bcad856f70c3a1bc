import { runFollower } from './runtime-run.ts'
import { DONE, NOT_DONE, REFUSED, type Task } from './scenario.ts'

/** A Runtime without its HTTP side that ends when it serves 1.1.0. */
export async function runtimeProgram({ folder, tell }: Task): Promise<number> {
  try {
    const seen = await runFollower(folder, '1.1.0')
    tell(JSON.stringify(seen))
    return seen.version === '1.1.0' ? DONE : NOT_DONE
  } catch (error) {
    tell(String(error))
    return REFUSED
  }
}
