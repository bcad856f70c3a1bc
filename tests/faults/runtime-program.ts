import { REFUSED } from './scenario.ts'
import { runFollower } from './runtime-run.ts'

/** A Runtime without its HTTP side that ends when it serves 1.1.0. Argument: the folder. */
try {
  const seen = await runFollower(process.argv[2] ?? '', '1.1.0')
  process.stdout.write(JSON.stringify(seen))
  process.exitCode = seen.version === '1.1.0' ? 0 : 4
} catch (error) {
  process.stderr.write(String(error))
  process.exitCode = REFUSED
}
