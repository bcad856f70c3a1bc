import { readdirSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A benchmark: runs for real and answers with Markdown. `isLong` ones run only when they are named. */
type Bench = { run: (seconds: number | undefined) => Promise<string>; isLong?: true }

/**
 * `npm run bench [-- <name>… [<seconds>]]` runs the benchmarks whose file names contain one of the names, or all of
 * them; the seconds are for those that run as long as they are told.
 */
const folder = dirname(fileURLToPath(import.meta.url))
const names = process.argv.slice(2).filter((word) => !/^\d+$/.test(word))
const seconds = process.argv.slice(2).find((word) => /^\d+$/.test(word))
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.js'))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort()

process.stdout.write(
  `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB\n`,
)
for (const file of files) {
  const bench = (await import(join(folder, file))) as Bench
  if (names.length === 0 && bench.isLong) continue
  process.stdout.write(`\n## ${file.replace('.bench.js', '')}\n\n`)
  process.stdout.write(`${await bench.run(seconds === undefined ? undefined : Number(seconds))}\n`)
}
