import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { absentAsNull, makeDirectory, syncDirectory, writeDurably } from './durable-fs.ts'

/**
 * As `git init --bare` writes it. Received objects are checked by git; replace refs, by which git would read other
 * history than we do, are refused. History may be rewritten and refs may be deleted: what that means is decided by
 * those who verify, not by the host.
 */
const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[receive]
	fsckObjects = true
	hideRefs = refs/replace
`

/**
 * Makes an empty bare repository that stock git serves, with HEAD on `main`; `HEAD` is written last, so that a crash
 * leaves nothing that looks like a repository.
 * @throws Fault `CONFIG_INVALID` when the directory holds something already.
 */
export async function initBareRepository(path: string): Promise<void> {
  const found = (await absentAsNull(readdir(path))) ?? []
  if (found.includes('HEAD'))
    throw new Fault('CONFIG_INVALID', `${path}: expected an empty directory, found ${found.slice(0, 3).join(', ')}`)
  await makeDirectory(path)
  for (const directory of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info']) {
    await mkdir(join(path, directory), { recursive: true })
  }
  for (const directory of ['objects', 'refs']) await syncDirectory(join(path, directory))
  await writeDurably(join(path, 'config'), CONFIG)
  await writeDurably(join(path, 'HEAD'), 'ref: refs/heads/main\n')
}
