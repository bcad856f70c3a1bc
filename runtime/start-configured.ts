import type { RuntimeConfig } from './config.ts'
import { createLog } from './http/log.ts'
import { reread } from './reload.ts'
import { startRuntime } from './start.ts'
import { startWorkers } from './workers/primary.ts'

export type ConfiguredRuntime = { url: string; stop(): Promise<void> }

/**
 * Starts a Runtime as it is configured, in this process or in as many workers, and reads the configuration again at
 * every SIGHUP. One that is wrong changes nothing.
 * @throws Fault like `startRuntime`
 */
export async function startConfigured(read: () => RuntimeConfig): Promise<ConfiguredRuntime> {
  let config = read()
  const log = createLog(config.logLevel, process.stderr)
  const running = await (config.workers === 1 ? startRuntime(config) : startWorkers(config, config.workers))

  async function readAgain(): Promise<void> {
    try {
      const { config: next, changed, waiting } = reread(config, read())
      await running.reload(next)
      config = next
      log.setLevel(config.logLevel)
      log.info('the configuration was read again', { changed: changed.join(', ') })
      if (waiting.length > 0) log.warn('what changed and needs a restart', { settings: waiting.join(', ') })
    } catch (error) {
      log.error('the configuration that was read again is not used; the one before stays', error)
    }
  }

  let last = Promise.resolve()
  const onHangUp = () => {
    last = last.then(readAgain)
  }
  process.on('SIGHUP', onHangUp)
  return {
    url: running.url,
    async stop() {
      process.off('SIGHUP', onHangUp)
      await last
      await running.stop()
    },
  }
}
