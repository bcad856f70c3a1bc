import { runFetch } from './fetch-run.ts'
import { REFUSED } from './scenario.ts'

/** Brings a mirror up to date. Arguments: the folder and the URL of the registry. */
const [folder = '', url = ''] = process.argv.slice(2)
try {
  await runFetch(folder, url)
} catch (error) {
  process.stderr.write(String(error))
  process.exitCode = REFUSED
}
