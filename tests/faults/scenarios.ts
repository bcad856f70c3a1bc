import { audits } from './audit-scenario.ts'
import { fetches } from './fetch-scenarios.ts'
import { promotion, seal } from './registry-scenarios.ts'
import { runtime } from './runtime-scenario.ts'
import type { Scenario } from './scenario.ts'

export const SCENARIOS: readonly Scenario[] = [promotion, seal, runtime, ...fetches, ...audits]

export function scenarioNamed(name: string): Scenario {
  const found = SCENARIOS.find((each) => each.name === name)
  if (found === undefined) throw new Error(`no scenario is called ${name}`)
  return found
}
