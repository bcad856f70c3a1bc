import { Fault } from '../schemas/fault.ts'
import { readRuntimeConfig } from './config.ts'
import { startConfigured } from './start-configured.ts'

try {
  const runtime = await startConfigured(() => readRuntimeConfig(process.env))
  let stopping: Promise<void> | null = null
  const stop = () => {
    stopping ??= runtime.stop()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
} catch (error) {
  const { reason, message } = error instanceof Fault ? error : { reason: 'INTERNAL', message: String(error) }
  process.stderr.write(`${reason}: ${message}\n`)
  process.exitCode = reason === 'CONFIG_INVALID' || reason === 'PORT_TAKEN' ? 2 : 3
}
