import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import type { Clone } from './clone/clone.ts'

/** What a running `contractor up` tells its clone, in `running.json` of its home (mode 0600). */
export type Running = {
  pid: number
  controller: string
  runtime: string
  /** One key of each tenant, with the scope `execute`, and the key of the operator. */
  api_keys: Record<string, string>
  operator_key: string
}

/** The embedded installation that the clone belongs to (`git config contractor.home`), or null where there is none. */
export async function runningOf(clone: Clone): Promise<Running | null> {
  const home = await clone.git('config', '--default', '', '--get', 'contractor.home')
  if (home === '') return null
  try {
    return JSON.parse(await readFile(join(home, 'running.json'), 'utf8')) as Running
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `${join(home, 'running.json')} cannot be read: is \`contractor up\` running?`, {
      cause: error,
    })
  }
}
