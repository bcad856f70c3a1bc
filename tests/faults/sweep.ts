// First, before anything of the product keeps a function of node:fs.
import { runOnMachine } from './machine.ts'
import { readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { asLeftByTheDead } from './after-crash.ts'
import { copyFolderSync } from './copy-folder.ts'
import { isFatal, type FaultKind } from './fault-kinds.ts'
import { runProcess } from './run-process.ts'
import { REFUSED, type Aftermath, type Scenario } from './scenario.ts'
import { makeWorkplace } from './workplace.ts'

export type Swept = { scenario: string; fault: string; points: number; violations: string[] }

/** The first point, and how far it is to the next. */
export type Points = { from?: number; step?: number }

/** Points at once: each has a machine of its own, and most of the time a machine waits. */
const LANES = 4
/** A run that takes longer hangs. */
const PATIENCE_MS = 180_000

/**
 * Runs a scenario with the fault at its n-th operation for n = `from`, `from` + `step`, … until a run ends without
 * having met it.
 * @param template what `prepare` made
 */
export async function sweep(
  scenario: Scenario,
  fault: FaultKind,
  template: string,
  { from = 1, step = 1 }: Points = {},
): Promise<Swept> {
  const violations: string[] = []
  let points = 0
  let isOver = false
  let next = from
  const lane = async (): Promise<void> => {
    while (!isOver) {
      const at = next
      next += step
      const { met, found } = await strike(scenario, fault, template, at)
      const where = met?.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 120) ?? 'not met'
      violations.push(...found.map((each) => `${scenario.name}, ${fault.name} at ${at} (${where}): ${each}`))
      if (met === null) isOver = true
      else points += 1
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return { scenario: scenario.name, fault: fault.name, points, violations }
}

/** A child process has no machine and no clock of its own. */
export function canBefall({ place, looksAtTheClock }: Scenario, { kind, inProcess }: FaultKind): boolean {
  if (kind === 'clock') return looksAtTheClock && place === 'program'
  return place === 'program' || (inProcess !== true && !kind.startsWith('power'))
}

async function strike(scenario: Scenario, fault: FaultKind, template: string, at: number) {
  const parent = await makeWorkplace()
  const [before, after] = [join(parent, 'work'), join(parent, 'again')]
  let output = ''
  try {
    copyFolderSync(template, before)
    const childMet = join(parent, 'met')
    const server = await scenario.serve?.(before)
    const url = server?.url ?? ''
    const env = {
      FAULT_KIND: fault.kind,
      FAULT_OPERATIONS: fault.operations,
      FAULT_AT: String(at),
      FAULT_BELOW: before,
      FAULT_MET: childMet,
    }
    const task = { folder: before, url, tell: (text: string) => void (output += text) }
    const childEnv = scenario.place === 'children' ? env : null
    const ended = await (fault.inProcess === true
      ? runProcess(scenario, task, env, PATIENCE_MS)
      : runOnMachine({ fault, at, below: before, patienceMs: PATIENCE_MS, childEnv }, () => scenario.program(task)))
    await server?.close()
    const met = ended.met ?? textOf(childMet)
    // A process that is started again: nothing that this one remembers of the folder is true of it.
    renameSync(before, after)
    asLeftByTheDead(after)
    const again = await scenario.serve?.(after)
    try {
      const code = ended.end === 'returned' ? ended.value : null
      const found = [
        ...(ended.end === 'hung' ? ['it hangs'] : []),
        ...(mustEndWell(scenario, fault, met) && code !== 0 && code !== REFUSED
          ? [`it ended with ${code}: ${output}`]
          : []),
        ...(await broken(scenario, after, { output, code, url: again?.url ?? '' })),
      ]
      return { met, found }
    } finally {
      await again?.close()
    }
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

function mustEndWell({ place }: Scenario, fault: FaultKind, met: string | null): boolean {
  return met === null || fault.passes || (place === 'children' && isFatal(fault))
}

function broken(scenario: Scenario, folder: string, aftermath: Aftermath): Promise<string[]> {
  return scenario
    .violations(folder, aftermath)
    .catch((error: unknown) => [`it does not come up again: ${String(error)}`])
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
