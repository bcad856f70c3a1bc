import { readdirSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A benchmark: runs for real and answers with Markdown. */
type Bench = { run: () => Promise<string> }

/** `npm run bench [-- <name>…]` runs the benchmarks whose file names contain one of the names, or all of them. */
const folder = dirname(fileURLToPath(import.meta.url))
const names = process.argv.slice(2)
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.js'))
  .filter((file) => names.length === 0 || names.some((name) => file.includes(name)))
  .sort()

process.stdout.write(
  `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB\n`,
)
for (const file of files) {
  process.stdout.write(`\n## ${file.replace('.bench.js', '')}\n\n`)
  const bench = (await import(join(folder, file))) as Bench
  process.stdout.write(`${await bench.run()}\n`)
}
