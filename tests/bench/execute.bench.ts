import { execFile, fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Variant } from './execute-server.ts'
import type { LoadResult } from './load-generator.ts'

const run1 = promisify(execFile)
const CONNECTIONS = 64
const WARM_S = 2
const RUN_S = 4
const ROUNDS = 3
const VARIANTS: readonly Variant[] = ['echo', 'cached', 'cached, no audit', 'uncached']

type Measured = {
  variant: Variant
  perSecond: number
  p50: number
  p99: number
  cpuUs: number
  rssMb: number
  failures: number
}

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

async function load(port: number, seconds: number, rate = 0): Promise<LoadResult> {
  const args = [fileOf('load-generator.js'), String(port), String(CONNECTIONS), String(seconds), String(rate)]
  return JSON.parse((await run1(process.execPath, args)).stdout) as LoadResult
}

async function usage(server: ChildProcess): Promise<{ cpu: NodeJS.CpuUsage; rss: number }> {
  const answer = once(server, 'message')
  server.send('usage')
  return ((await answer) as [{ cpu: NodeJS.CpuUsage; rss: number }])[0]
}

async function withServer<T>(variant: Variant, use: (server: ChildProcess, port: number) => Promise<T>): Promise<T> {
  const server = fork(fileOf('execute-server.js'), [variant])
  try {
    const [{ port }] = (await once(server, 'message')) as [{ port: number }]
    await load(port, WARM_S)
    return await use(server, port)
  } finally {
    const exit = once(server, 'exit')
    server.disconnect()
    await exit
  }
}

function measure(variant: Variant): Promise<Measured> {
  return withServer(variant, async (server, port) => {
    const before = await usage(server)
    const result = await load(port, RUN_S)
    const after = await usage(server)
    const cpuUs = after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system
    return {
      variant,
      perSecond: result.requests / result.seconds,
      p50: result.p50,
      p99: result.p99,
      cpuUs: cpuUs / result.requests,
      rssMb: after.rss / 2 ** 20,
      failures: result.failures,
    }
  })
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** `POST /execute` with everything on beside a bare Hono JSON echo, both under one generator, in turns. */
export async function run(): Promise<string> {
  const rounds: Measured[] = []
  for (let round = 0; round < ROUNDS; round += 1) for (const variant of VARIANTS) rounds.push(await measure(variant))
  const of = (variant: Variant, figure: keyof Omit<Measured, 'variant'>) =>
    median(rounds.filter((found) => found.variant === variant).map((found) => found[figure]))
  const rows = VARIANTS.map((variant) => {
    const throughput = of(variant, 'perSecond')
    const cpu = of(variant, 'cpuUs')
    const cells = [
      variant,
      throughput.toFixed(0),
      (throughput / of('echo', 'perSecond')).toFixed(2),
      of(variant, 'p50').toFixed(2),
      of(variant, 'p99').toFixed(2),
      cpu.toFixed(1),
      (cpu / of('echo', 'cpuUs')).toFixed(2),
      of(variant, 'rssMb').toFixed(0),
      String(of(variant, 'failures')),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    `${CONNECTIONS} keep-alive connections, ${RUN_S} s a run, median of ${ROUNDS} runs in turns; the generator shares the machine.`,
    '',
    '| `POST /execute` | requests/s | of the echo | p50 ms | p99 ms | CPU µs a request | × the echo | RSS MiB | failures |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}
