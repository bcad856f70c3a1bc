import { join, relative } from 'node:path'
import { watch } from 'chokidar'
import type { Clone } from './clone.ts'
import type { Call } from '../command.ts'
import type { ExitCode } from '../exit.ts'
import { reportFailure } from '../exit.ts'
import { untilStopped } from '../settings-options.ts'
import { REGISTRY_PATHS } from './work-tree.ts'

export const WATCH_OPTION = ['--watch', 'judge again at every save, until Ctrl-C'] as const

/** Editors write a file in several steps; what is saved within this time is one save. */
const SETTLE_MS = 30

/**
 * Prints what `judge` answers, now and after every save of a file of the registry. Saves while it judges are one more
 * look, right after.
 */
export async function watchClone(call: Call, clone: Clone, judge: () => Promise<string>): Promise<ExitCode> {
  const { terminal } = call
  let running = Promise.resolve()
  let isRunning = false
  let again = false
  let timer: NodeJS.Timeout | null = null

  const look = async (): Promise<void> => {
    do {
      again = false
      const begun = performance.now()
      try {
        const text = await judge()
        terminal.out(text)
      } catch (error) {
        reportFailure(error, terminal)
      }
      if (!terminal.json) terminal.out(terminal.style('dim', `${Math.round(performance.now() - begun)} ms`))
    } while (again)
  }
  const start = () => {
    if (isRunning) {
      again = true
      return
    }
    isRunning = true
    running = look().finally(() => (isRunning = false))
  }
  const paths = REGISTRY_PATHS.map((path) => join(clone.root, path))
  const watcher = watch(paths, { ignoreInitial: true, followSymlinks: false })
  watcher.on('all', (_event, path) => {
    if (timer !== null) clearTimeout(timer)
    timer = setTimeout(start, SETTLE_MS)
    if (!terminal.json) terminal.err(terminal.style('dim', relative(clone.root, path)))
  })
  watcher.on('error', (error) => reportFailure(error, terminal))
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()))
  start()
  await untilStopped()
  if (timer !== null) clearTimeout(timer)
  await watcher.close()
  await running
  return 0
}
