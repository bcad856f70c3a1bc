import { Fault } from '../schemas/fault.ts'
import { readControllerConfig } from './config.ts'
import { openEvents } from './events.ts'
import { startController } from './start.ts'

const events = openEvents(() => new Date())
events.subscribe((event) => process.stdout.write(`${JSON.stringify(event)}\n`))
try {
  const controller = await startController(readControllerConfig(process.env), { events })
  process.stdout.write(`${JSON.stringify({ type: 'listening', url: controller.url })}\n`)
  let stopping: Promise<void> | null = null
  const stop = () => {
    stopping ??= controller.stop()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
} catch (error) {
  const { reason, message } = error instanceof Fault ? error : { reason: 'INTERNAL', message: String(error) }
  process.stderr.write(`${reason}: ${message}\n`)
  process.exitCode = reason === 'CONFIG_INVALID' || reason === 'PORT_TAKEN' ? 2 : 3
}
