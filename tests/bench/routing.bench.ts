import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installPeer } from './peer.ts'
import { readDataSets } from './routing-data.ts'
import type { RoutingFigures } from './routing-measure.ts'

const execute = promisify(execFile)
const NLPJS = '@nlpjs/basic@4.27.0'
const ENOUGH_OUTPUT = 64 * 2 ** 20

/**
 * Accuracy on validation data, rejection, typing errors, time, size and memory of the router. Beside nlp.js
 * with ten utterances an intent; with all of them it trains for minutes.
 */
export async function run(): Promise<string> {
  const sets = readDataSets().map(({ name }) => name)
  if (sets.length === 0) return 'No data sets: set CONTRACTOR_ROUTING_DATA to the folder that has them.'
  const figures: RoutingFigures[] = []
  for (const size of ['full', 'few']) {
    for (const name of sets) {
      process.stderr.write(`${name}, ${size} …\n`)
      figures.push(await child<RoutingFigures>('routing-measure.js', [name, size]))
    }
  }
  return [accuracyTable(figures), costTable(figures), await peerTable(sets, figures)].join('\n\n')
}

function accuracyTable(figures: readonly RoutingFigures[]): string {
  const rows = figures.map(({ name, accuracy, atDefault, atLoss, leftOut }) => {
    const pair = ([inScope, outside]: [number, number | null]) =>
      outside === null ? '–' : `${inScope.toFixed(1)} / ${outside.toFixed(1)}`
    return row([name, ...accuracy.map((share) => share.toFixed(1)), pair(atDefault), pair(atLoss), leftOut.toFixed(1)])
  })
  return [
    'Validation accuracy in percent; in-scope accuracy / out-of-scope recall at two thresholds.',
    '',
    row(['data', 'no typo', '1 typo', '2 typos', 'at 0.4', 'two points lost', 'leave-one-out']),
    row(['---', '---', '---', '---', '---', '---', '---']),
    ...rows,
  ].join('\n')
}

function costTable(figures: readonly RoutingFigures[]): string {
  const rows = figures.map((each) =>
    row([
      each.name,
      String(each.intents),
      String(each.utterances),
      (each.compileMs / 1000).toFixed(1),
      (each.leftOutMs / 1000).toFixed(1),
      (each.bytes / 2 ** 20).toFixed(2),
      each.loadMs.toFixed(1),
      each.routeUs.map((us) => us.toFixed(0)).join(' / '),
      each.explainUs.map((us) => us.toFixed(0)).join(' / '),
      each.peakMb.toFixed(0),
      each.sha256.slice(0, 12),
    ]),
  )
  const head = ['data', 'intents', 'utterances', 'compile CPU s', 'examine CPU s', 'MiB', 'load CPU ms']
  return [
    row([...head, 'route µs p50 / p99', 'explain µs p50 / p99', 'peak MiB of compile', 'SHA-256']),
    row(['---', '---', '---', '---', '---', '---', '---', '---', '---', '---', '---']),
    ...rows,
  ].join('\n')
}

type PeerFigures = { name: string; accuracy: number; compileMs: number; us: number }

async function peerTable(sets: readonly string[], figures: readonly RoutingFigures[]): Promise<string> {
  const peer = await installPeer('nlpjs', [NLPJS])
  if ('missing' in peer) return `Skipped: ${peer.missing}`
  const rows: string[] = []
  for (const name of sets) {
    const theirs = await child<PeerFigures>('routing-nlpjs.js', [peer.folder, name])
    const own = figures.find((each) => each.name === theirs.name)
    rows.push(
      row([
        theirs.name,
        `${own?.accuracy[0].toFixed(1)} / ${theirs.accuracy.toFixed(1)}`,
        `${((own?.compileMs ?? 0) / 1000).toFixed(1)} / ${(theirs.compileMs / 1000).toFixed(1)}`,
        `${own?.routeUs[0].toFixed(0)} / ${theirs.us.toFixed(0)}`,
      ]),
    )
  }
  return [
    row(['ours / nlp.js', 'accuracy', 'compile CPU s', 'µs a question']),
    row(['---', '---', '---', '---']),
    ...rows,
  ].join('\n')
}

/** Each measurement has a process of its own, so that memory and warm code are its own. */
async function child<T>(file: string, args: string[]): Promise<T> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const { stdout } = await execute(process.execPath, [path, ...args], { maxBuffer: ENOUGH_OUTPUT })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
