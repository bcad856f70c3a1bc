import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { audits } from './audit-scenario.ts'
import { FAULT_KINDS } from './fault-kinds.ts'
import { fetches } from './fetch-scenarios.ts'
import { promotion, seal } from './registry-scenarios.ts'
import { runtime } from './runtime-scenario.ts'
import { sweep, type Swept } from './sweep.ts'
import { sweepTransport, TRANSPORT_FAULTS } from './transport.ts'

/**
 * The full sweep: `npm run faults [-- <scenario> [<fault>]]`, the model of the rules: `npm run faults -- model
 * [<scope>]`, or two controllers: `npm run faults -- race [<promotions>]`. Ends with 1 where an invariant does not hold.
 */
const [scenarioName = '', faultName = '', step = '1'] = process.argv.slice(2)
if (scenarioName === 'model') {
  const { runModel } = await import('../model/main.ts')
  process.exit((await runModel(faultName)) === 0 ? 0 : 1)
}
if (scenarioName === 'race') {
  const { runRace } = await import('./race.ts')
  process.exit((await runRace(Number(faultName === '' ? 200 : faultName))) === 0 ? 0 : 1)
}
const scenarios = [promotion, seal, runtime, ...fetches, ...audits].filter(({ name }) => name.startsWith(scenarioName))
const faults = FAULT_KINDS.filter(({ name }) => name.startsWith(faultName))
const rows: Swept[] = []
const row = (cells: readonly string[]) =>
  console.log(`| ${cells.map((cell, at) => cell.padEnd([24, 12, 12, 10][at] ?? 0)).join(' | ')} |`)

function report(swept: Swept): void {
  rows.push(swept)
  row([swept.scenario, swept.fault, String(swept.points), String(swept.violations.length)])
  for (const violation of swept.violations) console.error(`  ${violation}`)
}

row(['scenario', 'fault', 'points tried', 'violations'])
row(['---', '---', '---', '---'])
for (const scenario of scenarios) {
  const folder = await mkdtemp(join(tmpdir(), 'faults-'))
  const template = join(folder, 'template')
  await scenario.prepare(template)
  for (const fault of faults) report(await sweep(scenario, fault, template, Number(step)))
  await rm(folder, { recursive: true, force: true })
}
if ('HTTP'.startsWith(scenarioName)) {
  const folder = await mkdtemp(join(tmpdir(), 'faults-'))
  await promotion.prepare(join(folder, 'template'))
  for (const broken of TRANSPORT_FAULTS.filter(({ name }) => name.startsWith(faultName)))
    report(await sweepTransport(broken, join(folder, 'template'), Number(step)))
  await rm(folder, { recursive: true, force: true })
}
const points = rows.reduce((sum, swept) => sum + swept.points, 0)
const violations = rows.reduce((sum, swept) => sum + swept.violations.length, 0)
row(['all', '', String(points), String(violations)])
process.exitCode = violations === 0 ? 0 : 1
