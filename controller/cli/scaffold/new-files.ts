import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../../../schemas/fault.ts'

/** Writes new files below `root`. @throws Fault `USAGE` where one exists already; then nothing is written */
export async function writeNewFiles(root: string, files: ReadonlyMap<string, string>): Promise<void> {
  const taken = [...files.keys()].filter((path) => existsSync(join(root, path)))
  if (taken.length > 0)
    throw new Fault('USAGE', `These files exist already, and nothing was written: ${taken.join(', ')}`)
  for (const [path, text] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text, { flag: 'wx' })
  }
}
