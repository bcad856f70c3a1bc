import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { openClone } from '../../controller/cli/clone/clone.ts'
import { openTerminal } from '../../controller/cli/terminal.ts'
import { openRouterCache } from '../../controller/cli/judge/router-cache.ts'
import { compileBundle } from '../../runtime/bundle/compile.ts'
import { diffBehaviour } from '../../runtime/engine/diff.ts'
import { openAuthorClone, type AuthorClone } from '../support/author-clone.ts'
import { CONTRACTOR } from '../support/embedded.ts'
import { bundleOf, largeBundle, type Asked, type LargeBundle } from '../support/large-bundle.ts'
import { readDataSets } from './routing-data.ts'
import { childFigures } from './child-figures.ts'

const INTENTS = 150
const UTTERANCES = 100
const CASES = 1_500
const PROBES = 10_000
const RUNS = 3
const SAVES = 7
const TEMPLATE = 'templates/contact.j2'

/** What an author waits for, with a bundle of 150 intents and 15,000 utterances, and the behaviour diff of 10,000 probes. */
export async function run(): Promise<string> {
  const clone = await openAuthorClone()
  try {
    const { intents, source } = questions()
    const large = bundleOf(intents, CASES)
    await clone.write(
      Object.fromEntries([...large.files].map(([path, body]) => [`bundles/large/${path}`, textOf(path, body)])),
    )
    const uncached = await firstCheck(clone, large.files)
    const anew = await checked(clone, '--anew')
    const cached = [await checked(clone), await checked(clone), await checked(clone)]
    const rows = [
      uncached,
      `| \`check --anew\`, router cached | ${s(anew.cpuMs)} | ${s(anew.ms)} | 1 |`,
      `| \`check\`, nothing changed since the last one, median of ${RUNS} | ${s(median(cached.map(({ cpuMs }) => cpuMs)))} | ${s(median(cached.map(({ ms }) => ms)))} | 1 |`,
      await saves('`check --watch`, from a save to the answer, the large bundle', clone, 'large', 300),
      await saves('`check --watch`, from a save to the answer, the bundle of `new bundle`', clone, 'faq', 300),
      diffed(intents),
    ]
    return [
      `${INTENTS} intents, ${INTENTS * UTTERANCES} utterances (${source}), ${CASES} cases, beside a small bundle in the same clone.`,
      '',
      '| | processor s | s on the clock | goal s |',
      '|---|---|---|---|',
      ...rows,
    ].join('\n')
  } finally {
    await clone.close()
  }
}

/** Questions that people asked, where that data set is there; otherwise made-up ones, which are harder to tell apart. */
function questions(): { intents: Asked[]; source: string } {
  const data = readDataSets().find(({ name }) => name === 'clinc150')
  if (data === undefined) return { intents: largeBundle(INTENTS, UTTERANCES).intents, source: 'made up' }
  const byIntent = new Map<string, string[]>()
  for (const { text, intent } of data.train) byIntent.set(intent, [...(byIntent.get(intent) ?? []), text])
  const seen = new Set<string>()
  const isNew = (text: string) => !seen.has(text) && seen.add(text)
  const intents = [...byIntent].map(([name, own]) => ({ name, utterances: own.filter(isNew) }))
  return { intents, source: 'CLINC150' }
}

const textOf = (path: string, body: Buffer) =>
  path === 'manifest.yaml' ? body.toString().replace('bundle_name: faq', 'bundle_name: large') : body.toString()

async function checked(clone: AuthorClone, ...flags: string[]) {
  const figures = await childFigures(process.execPath, [CONTRACTOR, 'check', '--json', ...flags], { cwd: clone.root })
  if (figures.code !== 0) throw new Error(figures.stdout.slice(0, 1_000) + figures.stderr)
  return figures
}

/** Where the machine is too busy for the gates' 60 s on the clock, the compiler alone is measured, and the router kept. */
async function firstCheck(clone: AuthorClone, files: LargeBundle['files']): Promise<string> {
  const figures = await childFigures(process.execPath, [CONTRACTOR, 'check', '--json'], { cwd: clone.root })
  const row = (what: string, cpuMs: number, ms: number) =>
    `| \`check\`, router not compiled yet${what} | ${s(cpuMs)} | ${s(ms)} | 25 |`
  if (figures.code === 0) return row('', figures.cpuMs, figures.ms)
  if (!figures.stdout.includes('GATE_TIMEOUT')) throw new Error(figures.stdout.slice(0, 1_000) + figures.stderr)
  const used = process.cpuUsage()
  const begun = performance.now()
  const compiled = compileBundle(files, 1)
  const { user, system } = process.cpuUsage(used)
  const ms = performance.now() - begun
  const routers = openRouterCache(
    await openClone({ args: [], options: {}, cwd: clone.root, env: {}, terminal: openTerminal(true, {}) }),
  )
  await routers.put(compiled.files, 1)
  return row(': GATE_TIMEOUT, the machine is busy; its compiler alone', (user + system) / 1000, ms)
}

/** The median time from a save of one template to the next answer; the processor time is that of the command alone. */
async function saves(name: string, clone: AuthorClone, bundle: string, goalMs: number): Promise<string> {
  const args = [CONTRACTOR, 'check', '--watch', '--json']
  const child = spawn(process.execPath, args, { cwd: clone.root, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    await lines.next()
    const path = `bundles/${bundle}/${TEMPLATE}`
    const text = await readFile(join(clone.root, path), 'utf8')
    const times: number[] = []
    const cpu: number[] = []
    for (let save = 0; save < SAVES; save++) {
      await sleep(300)
      const [begun, before] = [performance.now(), await processorMs(child.pid)]
      await clone.write({ [path]: `${text.trimEnd()}${' '.repeat(save + 1)}\n` })
      await lines.next()
      times.push(performance.now() - begun)
      cpu.push((await processorMs(child.pid)) - before)
    }
    await clone.write({ [path]: text })
    return `| ${name}, median of ${SAVES} | ${s(median(cpu))} | ${s(median(times))} | ${s(goalMs)} |`
  } finally {
    const exit = once(child, 'exit')
    child.kill('SIGINT')
    await exit
  }
}

const TICK_MS = 10

/** User and system time of one process, from /proc. */
async function processorMs(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return TICK_MS * (Number(fields[11]) + Number(fields[12]))
}

function diffed(intents: readonly Asked[]): string {
  const few = intents.map(({ name, utterances }) => ({ name, utterances: utterances.slice(0, 10) }))
  const small = bundleOf(few, 0)
  const before = compileBundle(small.files, 1).loaded
  const changed = new Map(small.files)
  changed.set(TEMPLATE, Buffer.from('Please write to {{ facts.email }}.\n'))
  const after = compileBundle(changed, 1).loaded
  const probes = intents
    .flatMap(({ utterances }) => utterances)
    .slice(0, PROBES)
    .map((question, index) => ({ from: `utterance ${index}`, input: { question } }))
  const used = process.cpuUsage()
  const begun = performance.now()
  diffBehaviour(before, after, probes)
  const { user, system } = process.cpuUsage(used)
  return `| behaviour diff of ${probes.length} probes | ${s((user + system) / 1000)} | ${s(performance.now() - begun)} | 5 |`
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
const s = (ms: number) => (ms / 1000).toFixed(2)
