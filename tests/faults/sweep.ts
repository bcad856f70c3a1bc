import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FaultKind } from './fault-kinds.ts'
import { REFUSED, type Aftermath, type Scenario } from './scenario.ts'

export type Swept = { scenario: string; fault: string; points: number; violations: string[] }

const INJECT = new URL('./inject.js', import.meta.url).href
/** A run that takes longer hangs. */
const PATIENCE_MS = 60_000
const AT_ONCE = 2

/**
 * Runs a scenario with the fault at its 1st, (1 + step)th, … operation, until a run ends without having met it.
 * @param template what `prepare` made
 */
export async function sweep(scenario: Scenario, fault: FaultKind, template: string, step: number): Promise<Swept> {
  const violations: string[] = []
  let points = 0
  for (let at = 1, isOver = false; !isOver; at += step * AT_ONCE) {
    const batch = Array.from({ length: AT_ONCE }, (_, index) => at + index * step)
    for (const run of await Promise.all(batch.map((point) => strike(scenario, fault, template, point)))) {
      if (run.met === null) isOver = true
      else points++
      violations.push(...run.violations)
    }
  }
  return { scenario: scenario.name, fault: fault.name, points, violations }
}

async function strike(scenario: Scenario, fault: FaultKind, template: string, at: number) {
  const parent = await mkdtemp(join(tmpdir(), 'fault-'))
  const folder = join(parent, 'work')
  try {
    await cp(template, folder, { recursive: true, preserveTimestamps: true })
    const met = join(parent, 'met')
    const server = await scenario.serve?.(folder)
    try {
      const env = {
        PATH: process.env['PATH'],
        FAULT_KIND: fault.kind,
        FAULT_OPERATIONS: fault.operations,
        FAULT_AT: String(at),
        FAULT_BELOW: folder,
        FAULT_MET: met,
        FAULT_IN: scenario.place,
      }
      const ended = await runProgram(
        scenario.program,
        [folder, ...(server === undefined ? [] : [server.url]), ...scenario.args],
        env,
      )
      const aftermath = { ...ended, url: server?.url ?? '' }
      const where = await readFile(met, 'utf8').catch(() => null)
      const found = await wrongs(scenario, fault, folder, aftermath, where)
      return {
        met: where,
        violations: found.map(
          (wrong) =>
            `${scenario.name}, ${fault.name} at ${at} (${where?.replaceAll(/\/tmp\S*\/work|[^\x20-\x7e]+/g, ' ').slice(0, 90) ?? 'none'}): ${wrong}`,
        ),
      }
    } finally {
      await server?.close()
    }
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
}

async function wrongs(
  scenario: Scenario,
  fault: FaultKind,
  folder: string,
  aftermath: Aftermath,
  where: string | null,
): Promise<string[]> {
  const { code, output } = aftermath
  const late = code === HUNG ? ['it hangs'] : []
  const mustEndWell = where === null || (fault.passes && scenario.place === 'program')
  const stuck = mustEndWell && code !== 0 && code !== REFUSED ? [`it ended with ${code}: ${output.slice(-2000)}`] : []
  const broken = await scenario
    .violations(folder, aftermath)
    .catch((error: unknown) => [`it does not come up again: ${String(error)}`])
  return [...late, ...stuck, ...broken]
}

/** Exit code of a program that was killed because it did not end. */
const HUNG = 124

function runProgram(
  program: string,
  args: string[],
  env: Record<string, string | undefined>,
): Promise<Omit<Aftermath, 'url'>> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', INJECT, program, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let isLate = false
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const timer = setTimeout(() => {
      isLate = true
      child.kill('SIGKILL')
    }, PATIENCE_MS)
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ output, code: isLate ? HUNG : code })
    })
  })
}
