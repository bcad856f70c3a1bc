import { runFetch } from './fetch-run.ts'
import { DONE, REFUSED, type Task } from './scenario.ts'

/** Brings a mirror up to date. */
export async function fetchProgram({ folder, url, tell }: Task): Promise<number> {
  try {
    await runFetch(folder, url)
    return DONE
  } catch (error) {
    tell(String(error))
    return REFUSED
  }
}
