import { createHash } from 'node:crypto'
import { compileRouter } from '../../runtime/engine/routing/compile.ts'
import { examineOntology } from '../../runtime/engine/routing/examine.ts'
import { loadRouter, type Router } from '../../runtime/engine/routing/router.ts'
import { ontologyOf, readDataSets, sequence, withFewer, withTypos, type DataSet } from './routing-data.ts'

/** Accuracies and rates in percent. */
export type RoutingFigures = {
  name: string
  intents: number
  utterances: number
  accuracy: [typos0: number, typos1: number, typos2: number]
  /** In-scope accuracy and out-of-scope recall at a threshold of 0.4, and where two points of accuracy are lost. */
  atDefault: [inScope: number, outOfScope: number | null]
  atLoss: [inScope: number, outOfScope: number | null]
  leftOut: number
  leftOutMs: number
  compileMs: number
  bytes: number
  loadMs: number
  routeUs: [p50: number, p99: number]
  explainUs: [p50: number, p99: number]
  peakMb: number
  sha256: string
}

const SHOTS = 10
const LOADS = 5
const DEFAULT = 0.4
const LOSS = 2

/** Child process of the bench: `routing-measure.js <data set> <full|few>` prints the figures of one data set. */
const [wanted, size] = process.argv.slice(2)
const found = readDataSets().find(({ name }) => name === wanted)
if (found) process.stdout.write(JSON.stringify(measure(size === 'few' ? withFewer(found, SHOTS) : found)))

function measure(data: DataSet): RoutingFigures {
  const ontology = ontologyOf(data)
  const [bytes, compileMs] = timed(() => compileRouter(ontology))
  const peakMb = process.resourceUsage().maxRSS / 1024
  const router = loadRouter(bytes)
  const loads = Array.from({ length: LOADS }, () => timed(() => loadRouter(bytes))[1]).toSorted((a, b) => a - b)
  const loadMs = loads[LOADS >> 1] ?? 0
  const scores = data.validation.map(({ text, intent }) => {
    const { score, detail } = router.explain(text)
    return { right: detail.best === intent, score }
  })
  const outside = data.outOfScope.map(({ text }) => router.route(text).score)
  const at = (threshold: number): [number, number | null] => [
    share(scores, ({ right, score }) => right && score >= threshold),
    outside.length === 0 ? null : share(outside, (score) => score < threshold),
  ]
  const right = scores.filter((each) => each.right).map(({ score }) => score)
  const lost = right.toSorted((a, b) => a - b)[Math.floor((LOSS / 100) * scores.length)] ?? 0
  const questions = data.validation.map(({ text }) => text)
  const routeUs = latency(questions, (question) => router.route(question))
  const explainUs = latency(questions, (question) => router.explain(question))
  const [examined, leftOutMs] = timed(() => examineOntology(ontology))
  return {
    name: data.name,
    intents: router.intents.length,
    utterances: data.train.length,
    accuracy: [0, 1, 2].map((typos) => accuracy(router, data, typos)) as RoutingFigures['accuracy'],
    atDefault: at(DEFAULT),
    atLoss: at(lost),
    leftOut: examined.accuracy * 100,
    leftOutMs,
    compileMs,
    bytes: bytes.length,
    loadMs,
    routeUs,
    explainUs,
    peakMb,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }
}

function accuracy(router: Router, { validation }: DataSet, typos: number): number {
  const random = sequence(99 + typos)
  return share(validation, ({ text, intent }) => {
    return router.explain(withTypos(text, typos, random)).detail.best === intent
  })
}

/** Microseconds of one call, after one round to warm up. */
function latency(questions: readonly string[], call: (question: string) => unknown): [number, number] {
  const times: number[] = []
  for (let round = 0; round < 4; round++) {
    for (const question of questions) {
      const start = process.hrtime.bigint()
      call(question)
      if (round > 0) times.push(Number(process.hrtime.bigint() - start) / 1000)
    }
  }
  times.sort((a, b) => a - b)
  return [times[Math.floor(times.length * 0.5)] ?? 0, times[Math.floor(times.length * 0.99)] ?? 0]
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return (100 * items.filter(holds).length) / items.length
}

/** Milliseconds of processor time, which other processes on the machine change less than time on the clock. */
function timed<T>(run: () => T): [T, number] {
  const start = process.cpuUsage()
  const result = run()
  const { user, system } = process.cpuUsage(start)
  return [result, (user + system) / 1000]
}
