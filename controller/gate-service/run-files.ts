import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory, removeDurably, removeLeftovers, writeDurably } from '../../runtime/git/durable-fs.ts'
import { Fault } from '../../schemas/fault.ts'
import type { GateRun } from '../../schemas/http/gate-run.ts'
import type { RunSubject } from './subject.ts'

/** A run that was accepted and has no verdict. */
export type OpenRun = { run: GateRun; subject: RunSubject }

/** Runs without a verdict on the controller's own disk: what was accepted is still there after a crash. */
export type RunFiles = {
  put(open: OpenRun): Promise<void>
  remove(id: string): Promise<void>
  /** Oldest first. @throws Fault `CONFIG_INVALID` where a file is damaged */
  list(): Promise<OpenRun[]>
}

const ENDING = '.json'

export async function openRunFiles(dir: string): Promise<RunFiles> {
  await makeDirectory(dir)
  await removeLeftovers(dir)
  const fileOf = (id: string) => join(dir, `${id}${ENDING}`)
  return {
    put: (open) => writeDurably(fileOf(open.run.id), `${JSON.stringify(open)}\n`, 0o600),
    remove: (id) => removeDurably(fileOf(id)),
    async list() {
      const names = (await readdir(dir)).filter((name) => name.endsWith(ENDING))
      const runs = await Promise.all(names.map((name) => read(join(dir, name))))
      return runs.sort((a, b) => (a.run.requested_at < b.run.requested_at ? -1 : 1))
    },
  }
}

async function read(file: string): Promise<OpenRun> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as OpenRun
  } catch (error) {
    throw new Fault('CONFIG_INVALID', `${file} is damaged. Remove it, and ask for that gate run again.`, {
      cause: error,
    })
  }
}
