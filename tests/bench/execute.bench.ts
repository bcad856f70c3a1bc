import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Variant } from './execute-server.ts'
import type { LoadResult } from './load-generator.ts'
import { installPeer } from './peer.ts'
import { onOtherCore, PINNED } from './pinned.ts'
import { startMockModel, startPortkey, startVariant, type Subject } from './subjects.ts'

const execute = promisify(execFile)
const CONNECTIONS = 64
/** Until the engine of the language has compiled what is hot, or so many seconds. */
const WARM_REQUESTS = 15_000
const WARM_AT_MOST_S = 16
const RUN_S = 4
const HALF_LOAD_S = 3
const ROUNDS = 3
const VARIANTS: readonly Variant[] = ['echo', 'cached', 'cached, no audit', 'uncached', 'uncached, 159 intents']
const PEER = '@portkey-ai/gateway@1.15.2'

/** Something to measure: how it is started, and the port of the model behind it where it is a gateway. */
type Contestant = { name: string; start: () => Promise<Subject>; modelPort?: number }

type Figures = {
  perSecond: number
  p50: number
  p99: number
  cpuUs: number
  rssMb: number
  failures: number
  halfLoadP99: number
}

type Load = { port: number; seconds: number; rate?: number; modelPort?: number | undefined }

async function load({ port, seconds, rate = 0, modelPort }: Load): Promise<LoadResult> {
  const generator = fileURLToPath(new URL('load-generator.js', import.meta.url))
  const args = [generator, ...[port, CONNECTIONS, seconds, rate].map(String)]
  const [command, all] = onOtherCore(process.execPath, modelPort === undefined ? args : [...args, String(modelPort)])
  return JSON.parse((await execute(command, all)).stdout) as LoadResult
}

async function measure({ start, modelPort }: Contestant, rate: number): Promise<Figures> {
  const subject = await start()
  const { port } = subject
  try {
    let warm = 0
    for (let s = 0; s < WARM_AT_MOST_S && warm < WARM_REQUESTS; s += 2)
      warm += (await load({ port, seconds: 2, modelPort })).requests
    const before = await subject.usage()
    const full = await load({ port, seconds: RUN_S, modelPort })
    const after = await subject.usage()
    const half = rate === 0 ? null : await load({ port, seconds: HALF_LOAD_S, rate, modelPort })
    return {
      perSecond: full.requests / full.seconds,
      p50: full.p50,
      p99: full.p99,
      cpuUs: (after.cpuUs - before.cpuUs) / full.requests,
      rssMb: after.rss / 2 ** 20,
      failures: full.failures + (half?.failures ?? 0),
      halfLoadP99: half?.p99 ?? Number.NaN,
    }
  } finally {
    await subject.stop()
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** `POST /execute` with everything on beside a bare Hono JSON echo and a gateway, under one generator, in turns. */
export async function run(): Promise<string> {
  const peer = await installPeer('portkey', [PEER])
  if ('missing' in peer) process.stderr.write(`${PEER} is left out: ${peer.missing}\n`)
  const model = await startMockModel()
  const contestants: Contestant[] = VARIANTS.map((variant) => ({ name: variant, start: () => startVariant(variant) }))
  if ('folder' in peer) contestants.push({ name: PEER, start: () => startPortkey(peer.folder), modelPort: model.port })
  const rounds = new Map<string, Figures[]>(contestants.map(({ name }) => [name, []]))
  try {
    // Half of what the slowest of ours takes, for all of them alike.
    const slowest = await measure(contestants[VARIANTS.length - 1] as Contestant, 0)
    const rate = Math.floor(slowest.perSecond / 2)
    for (let round = 0; round < ROUNDS; round += 1)
      for (const contestant of contestants) {
        const isOurs = contestant.modelPort === undefined
        rounds.get(contestant.name)?.push(await measure(contestant, isOurs ? rate : 0))
      }
    return report(rounds, rate)
  } finally {
    model.stop()
  }
}

function report(rounds: ReadonlyMap<string, Figures[]>, rate: number): string {
  const of = (name: string, figure: keyof Figures) => median((rounds.get(name) ?? []).map((found) => found[figure]))
  /** Of the runs of one turn, so that what the machine did at that time counts for both. */
  const ratio = (name: string, to: string) =>
    median((rounds.get(name) ?? []).map(({ cpuUs }, turn) => cpuUs / (rounds.get(to)?.[turn]?.cpuUs ?? Number.NaN)))
  const rows = [...rounds.keys()].map((name) => {
    const cells = [
      name,
      of(name, 'perSecond').toFixed(0),
      (of(name, 'perSecond') / of('echo', 'perSecond')).toFixed(2),
      of(name, 'p50').toFixed(2),
      of(name, 'p99').toFixed(2),
      of(name, 'halfLoadP99').toFixed(2),
      of(name, 'cpuUs').toFixed(1),
      ratio(name, 'echo').toFixed(2),
      of(name, 'rssMb').toFixed(0),
      String(Math.max(...(rounds.get(name) ?? []).map(({ failures }) => failures))),
    ]
    return `| ${cells.join(' | ')} |`
  })
  const lost = 1 - of('cached', 'perSecond') / of('cached, no audit', 'perSecond')
  return [
    `${CONNECTIONS} keep-alive connections, ${RUN_S} s a run, median of ${ROUNDS} runs in turns; ${PINNED}.`,
    `p99 at ${rate} requests/s is at half of what the slowest of ours takes.`,
    '',
    `| \`POST /execute\` | requests/s | of the echo | p50 ms | p99 ms | p99 ms at ${rate}/s | CPU µs a request | × the echo | RSS MiB | failures |`,
    '|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    `The audit record costs ${(lost * 100).toFixed(0)} % of the throughput of a cached answer.`,
    rounds.has(PEER)
      ? `${PEER} in front of a model that answers at once: ${ratio(PEER, 'cached').toFixed(1)} times the CPU of a cached answer, ${ratio(PEER, 'uncached').toFixed(1)} times that of an uncached one.`
      : `${PEER} could not be installed and was left out.`,
  ].join('\n')
}
