import { join } from 'node:path'
import { openEvents, type ControllerEvent } from '../../controller/events.ts'
import { nothingCompared } from '../../controller/gates/shadow.ts'
import { startLoop, type Loop } from '../../controller/loop.ts'
import { openMemoryFiles } from '../../controller/promotion/memory-files.ts'
import type { Decision } from '../../schemas/ledger/entry.ts'
import { eventually } from './eventually.ts'
import { sealingSandbox, type SealingSandbox } from './sealing-sandbox.ts'
import type { TestRegistry } from './test-registry.ts'

export type RunningLoop = Loop & {
  told: ControllerEvent[]
  sandbox: SealingSandbox
  /** Every decision that was written since the start, as it was told. */
  decisions(): Decision[]
  /** Waits until a decision of this form was written. */
  decided(form: Partial<Decision>): Promise<Decision>
  clock: { now: Date }
}

/** A controller without its HTTP side over a test registry, with a clock that the test moves. */
export async function runLoop(
  registry: TestRegistry,
  name = 'state',
  startsAt = new Date('2026-01-02T00:00:00Z'),
): Promise<RunningLoop> {
  const clock = { now: startsAt }
  const told: ControllerEvent[] = []
  const events = openEvents(() => clock.now)
  events.subscribe((event) => told.push(event))
  const sandbox = sealingSandbox()
  const loop = await startLoop({
    repository: registry.repository,
    root: registry.root,
    signer: registry.signer,
    heartbeatSigner: registry.heartbeatSigner,
    memory: await openMemoryFiles(join(registry.folder, name)),
    sandbox,
    events,
    now: () => clock.now,
    monotonicMs: () => performance.now(),
    pollIntervalMs: 200,
    heartbeatIntervalMs: 60_000,
    heartbeatValidMs: 600_000,
    comparisons: () => nothingCompared,
  })
  const decisions = () => told.flatMap((event) => (event.type === 'live' ? event.decisions : []))
  const matches = (decision: Decision, form: Partial<Decision>) =>
    Object.entries(form).every(
      ([key, value]) => JSON.stringify(decision[key as keyof Decision]) === JSON.stringify(value),
    )
  const decided: RunningLoop['decided'] = async (form) => {
    const found = await eventually(
      async () => decisions().find((decision) => matches(decision, form)) ?? null,
      (decision) => decision !== null,
      10_000,
    ).catch((error: unknown) => {
      throw new Error(`${JSON.stringify(form)} was not decided; told: ${JSON.stringify(told, null, 1)}`, {
        cause: error,
      })
    })
    if (found === null) throw new Error('unreachable')
    return found
  }
  return { ...loop, told, sandbox, decisions, decided, clock }
}
