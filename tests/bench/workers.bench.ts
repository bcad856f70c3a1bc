import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openWorkerWorld, FAST, stopProcess, workerPids, type Started } from '../support/running-workers.ts'
import type { Appended } from './append-program.ts'
import type { LoadResult } from './load-generator.ts'

const run1 = promisify(execFile)
const RECORDS = 40_000
const IN_FLIGHT = 64
const CONNECTIONS = 64
const WARM_S = 2
const RUN_S = 5
const ROUNDS = 3
const WORKERS = [1, 2]
/** `/proc` counts CPU in hundredths of a second on every Linux that Node runs on. */
const TICK_US = 10_000

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

type Written = { perSecond: number; cpuUs: number }

/** Two processes that append: each to a log of its own, or both through one writer. */
async function append(roles: ('own' | 'write')[]): Promise<Written> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-workers-'))
  const from = performance.now()
  const each = roles.map(async (role, at) => {
    const args = [role, join(folder, String(at)), String(RECORDS), String(IN_FLIGHT), '2']
    const child = fork(fileOf('append-program.js'), args)
    const [appended] = (await once(child, 'message')) as [Appended]
    child.disconnect()
    return appended.cpuUs
  })
  const used = await Promise.all(each)
  const seconds = (performance.now() - from) / 1000
  await rm(folder, { recursive: true })
  return { perSecond: (2 * RECORDS) / seconds, cpuUs: used.reduce((sum, cpu) => sum + cpu, 0) / (2 * RECORDS) }
}

async function appendRows(): Promise<string[]> {
  const kinds = [
    ['one log for each of two processes', ['own', 'own']],
    ['one writer for two processes', ['write']],
  ] as const
  const rounds: Written[][] = []
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [at, [, roles]] of kinds.entries()) (rounds[at] ??= []).push(await append([...roles]))
  return kinds.map(([name], at) => {
    const found = rounds[at] ?? []
    const perSecond = median(found.map((one) => one.perSecond)).toFixed(0)
    return `| ${name} | ${perSecond} | ${median(found.map((one) => one.cpuUs)).toFixed(1)} |`
  })
}

async function cpuUs(pids: readonly number[]): Promise<number> {
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')))
  return texts
    .map((text) => text.slice(text.lastIndexOf(')') + 2).split(' '))
    .reduce((sum, fields) => sum + (Number(fields[11]) + Number(fields[12])) * TICK_US, 0)
}

async function load(port: string, seconds: number): Promise<LoadResult> {
  const args = [fileOf('load-generator.js'), port, String(CONNECTIONS), String(seconds), '0']
  return JSON.parse((await run1(process.execPath, args)).stdout) as LoadResult
}

type Served = {
  perSecond: number
  p99: number
  serverUs: number
  primaryUs: number
  clientUs: number
  failures: number
}

async function serve(runtime: Started): Promise<Served> {
  const { port } = new URL(runtime.url)
  await load(port, WARM_S)
  const primary = runtime.child.pid ?? 0
  const workers = workerPids(runtime)
  const [primaryBefore, workersBefore] = [await cpuUs([primary]), await cpuUs(workers)]
  const result = await load(port, RUN_S)
  const primaryUs = (await cpuUs([primary])) - primaryBefore
  const serverUs = primaryUs + (await cpuUs(workers)) - workersBefore
  return {
    perSecond: result.requests / result.seconds,
    p99: result.p99,
    serverUs: serverUs / result.requests,
    primaryUs: primaryUs / result.requests,
    clientUs: result.cpuUs / result.requests,
    failures: result.failures,
  }
}

async function serveRows(): Promise<string[]> {
  const world = await openWorkerWorld()
  try {
    const seal = await world.registry.seal('1.0.1', FAST)
    await world.addTenant('acme')
    await world.registry.ledger.promote('acme', 'current', seal)
    await world.publish()
    const rounds = new Map<number, Served[]>(WORKERS.map((count) => [count, []]))
    for (let round = 0; round < ROUNDS; round += 1)
      for (const count of WORKERS) {
        const runtime = await world.start({
          CONTRACTOR_WORKERS: String(count),
          CONTRACTOR_STATE_DIR: join(world.dir, `state-${count}`),
        })
        rounds.get(count)?.push(await serve(runtime))
        await stopProcess(runtime)
      }
    const of = (count: number, figure: keyof Served) => median((rounds.get(count) ?? []).map((one) => one[figure]))
    const alone = of(1, 'serverUs')
    return WORKERS.map((count) => {
      const cells = [
        count,
        of(count, 'perSecond').toFixed(0),
        of(count, 'p99').toFixed(1),
        of(count, 'serverUs').toFixed(1),
        of(count, 'primaryUs').toFixed(1),
        of(count, 'clientUs').toFixed(1),
        ((count * alone) / of(count, 'serverUs')).toFixed(2),
        of(count, 'failures'),
      ]
      return `| ${cells.join(' | ')} |`
    })
  } finally {
    await world.close()
  }
}

/** What a second worker brings, and what an audit log for each of them costs against one writer for all. */
export async function run(): Promise<string> {
  const audit = await appendRows()
  const served = await serveRows()
  return [
    `Two processes with ${IN_FLIGHT} records in flight each, ${RECORDS} records each, median of ${ROUNDS} runs in turns:`,
    '',
    '| audit | durable records/s | CPU µs a record, all processes |',
    '|---|---|---|',
    ...audit,
    '',
    `\`POST /execute\` with everything on, ${CONNECTIONS} keep-alive connections, ${RUN_S} s a run, median of ${ROUNDS} runs in turns, on ${cpus().length} cores that the generator shares. Capacity is what as many free cores as workers could answer by the CPU that a request took, generator left out:`,
    '',
    '| workers | requests/s | p99 ms | server CPU µs a request | of that the primary | generator CPU µs a request | capacity × one | failures |',
    '|---|---|---|---|---|---|---|---|',
    ...served,
  ].join('\n')
}
