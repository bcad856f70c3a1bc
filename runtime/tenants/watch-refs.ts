import { basename, join } from 'node:path'
import { watch } from 'chokidar'
import type { Log } from '../http/log.ts'

/**
 * Calls `onHint` when one of these branches may have moved. Only ever a hint to look: events get lost, come twice, and
 * say nothing that is believed. Links are not followed, and nothing but the branches is looked at.
 */
export async function watchRefs(
  gitdir: string,
  branches: readonly string[],
  onHint: () => void,
  log: Log,
): Promise<{ close(): Promise<void> }> {
  const folder = join(gitdir, 'refs', 'heads')
  const watcher = watch(folder, {
    followSymlinks: false,
    ignoreInitial: true,
    atomic: false,
    depth: 0,
    ignored: (path) => path !== folder && !branches.includes(basename(path)),
  })
  // A ref is replaced by a rename. `all` compares what it knew of the file, and misses a second rename while it begins
  // to watch the file anew; `raw` is each event of the folder, whose watch stays.
  watcher.on('raw', (_event, path) => {
    if (branches.includes(basename(path))) onHint()
  })
  watcher.on('all', onHint)
  watcher.on('error', (error) => log.error('the registry cannot be watched; it is polled', error))
  await new Promise<void>((resolve) => watcher.once('ready', resolve))
  return watcher
}
