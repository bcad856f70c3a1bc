import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clone } from '../clone/clone.ts'

/** What a clone keeps to be faster, by names that say all that it depends on. */
export type CloneCache = {
  get(key: string): Promise<Buffer | null>
  put(key: string, body: Buffer): Promise<void>
}

const MAX_KEPT = 40

/** A cache in the git folder of the clone, which no commit carries and nobody else writes to. */
export function openCloneCache({ repository }: Clone, name: string): CloneCache {
  const folder = join(repository.gitdir, 'contractor', name)
  return {
    get: (key) => readFile(join(folder, key)).catch(() => null),
    async put(key, body) {
      await mkdir(folder, { recursive: true })
      const temporary = join(folder, `.${process.pid}-${key}`)
      await writeFile(temporary, body)
      await rename(temporary, join(folder, key))
      await dropOldest(folder)
    },
  }
}

async function dropOldest(folder: string): Promise<void> {
  const names = await readdir(folder)
  if (names.length <= MAX_KEPT) return
  const aged = await Promise.all(names.map(async (name) => ({ name, at: await modifiedAt(join(folder, name)) })))
  aged.sort((a, b) => b.at - a.at)
  for (const { name } of aged.slice(MAX_KEPT)) await rm(join(folder, name), { force: true })
}

/** Another command may have dropped or renamed it meanwhile. */
const modifiedAt = (path: string) =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
