import { join } from 'node:path'
import { runController } from './controller-run.ts'
import { isPromoted, isSealed } from './goals.ts'
import { REFUSED } from './scenario.ts'

/**
 * A controller that ends when it promoted or sealed. Arguments: the folder; the registry's URL, empty where it is local;
 * `promotion` or `seal`.
 */
const [folder = '', url = '', goal = ''] = process.argv.slice(2)
const location = url === '' ? join(folder, 'registry.git') : url
try {
  const isDone = await runController(folder, {
    location,
    isDone: goal === 'seal' ? isSealed : isPromoted,
    timeoutMs: 6000,
    onFault: (message) => process.stderr.write(`${message}\n`),
  })
  process.exitCode = isDone ? 0 : 4
} catch (error) {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = REFUSED
}
