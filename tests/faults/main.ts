// First: it loads what meets the functions of node:fs, before anything of the product keeps one of them.
import { canBefall, sweep, type Swept } from './sweep.ts'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FAULT_KINDS, type FaultKind } from './fault-kinds.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import { CLIENTS, sweepTransport, TRANSPORT_FAULTS } from './transport.ts'
import { makeWorkplace } from './workplace.ts'

/**
 * The full sweep: `npm run faults`. Prints a row for each scenario and fault, and ends with 1 where an invariant does not
 * hold. `--only <text>` takes the rows that contain the text, `--from <text>` goes on at the first of those, `--point
 * <n>` begins that row at its n-th point, `--step <n>` takes every n-th point. Every so many points a real process is
 * killed too. `npm run faults -- model [<scope>]` explores the model of the rules instead,
 * `npm run faults -- race [<promotions>]` lets two controllers race.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '' },
    point: { type: 'string', default: '1' },
    step: { type: 'string', default: '1' },
  },
})
const PROCESS_EVERY = 16
if (positionals[0] === 'model') {
  const { runModel } = await import('../model/main.ts')
  process.exit((await runModel(positionals[1] ?? '')) === 0 ? 0 : 1)
}
if (positionals[0] === 'race') {
  const { runRace } = await import('./race.ts')
  process.exit((await runRace(Number(positionals[1] ?? '200'))) === 0 ? 0 : 1)
}

type Row = { scenario: string; fault: string; run: (template: string) => Promise<Swept>; of: Scenario }
const points = { from: Number(values.point), step: Number(values.step) }

const rowsOf = (of: Scenario, faults: readonly FaultKind[]): Row[] =>
  faults
    .filter((fault) => canBefall(of, fault))
    .map((fault) => ({
      scenario: of.name,
      fault: fault.name,
      run: (template) =>
        sweep(of, fault, template, fault.inProcess ? { ...points, step: points.step * PROCESS_EVERY } : points),
      of,
    }))
const http: Row[] = CLIENTS.flatMap((client) =>
  TRANSPORT_FAULTS.map((broken) => ({
    scenario: client.name,
    fault: broken.name,
    run: (template: string) => sweepTransport(client, broken, template, points),
    of: client.scenario,
  })),
)

const all = [...SCENARIOS.flatMap((scenario) => rowsOf(scenario, FAULT_KINDS)), ...http]
const named = (text: string) => (row: Row) => `${row.scenario}, ${row.fault}`.includes(text)
const rows = all.slice(Math.max(0, all.findIndex(named(values.from)))).filter(named(values.only))

const print = (cells: readonly string[]): void =>
  console.log(`| ${cells.map((cell, at) => cell.padEnd([24, 18, 12, 10, 7][at] ?? 0)).join(' | ')} |`)
print(['scenario', 'fault', 'points tried', 'violations', 'seconds'])
print(['---', '---', '---', '---', '---'])
const total = { points: 0, violations: 0, seconds: 0 }
const templates = new Map<Scenario, string>()
const workplace = await makeWorkplace()
for (const row of rows) {
  const template = templates.get(row.of) ?? join(workplace, String(templates.size))
  if (!templates.has(row.of)) await row.of.prepare(template)
  templates.set(row.of, template)
  const began = performance.now()
  const swept = await row.run(template)
  const seconds = (performance.now() - began) / 1000
  points.from = 1
  total.points += swept.points
  total.violations += swept.violations.length
  total.seconds += seconds
  print([swept.scenario, swept.fault, String(swept.points), String(swept.violations.length), seconds.toFixed(1)])
  for (const violation of swept.violations) console.error(`  ${violation}`)
}
await rm(workplace, { recursive: true })
print(['all', '', String(total.points), String(total.violations), total.seconds.toFixed(0)])
// What a machine that went down still waits for would keep this process alive.
process.exit(total.violations === 0 && rows.length > 0 ? 0 : 1)
