import { assert, asyncModelRun, asyncProperty, commands as sequences, constant, type AsyncCommand } from 'fast-check'
import { isPossible, nameOf, type Command } from './commands.ts'
import { openReplay, replayStep, type Replay } from './replay.ts'
import type { World } from './rules.ts'
import type { Scope } from './scopes.ts'

/** fast-check runs a command against the model beside the real registry; both are one replay here. */
class ModelCommand implements AsyncCommand<{ world: World }, Replay> {
  readonly command: Command
  readonly onDone: () => void
  constructor(command: Command, onDone: () => void) {
    this.command = command
    this.onDone = onDone
  }
  check({ world }: Readonly<{ world: World }>): boolean {
    return isPossible(world, this.command)
  }
  async run(model: { world: World }, replay: Replay): Promise<void> {
    await replayStep(replay, this.command)
    model.world = replay.world
    this.onDone()
  }
  toString(): string {
    return nameOf(this.command)
  }
}

export type RandomWays = { runs: number; length: number; seed: number; controllers: 1 | 2 }

/**
 * Random ways through the commands of a scope, on real registries; the shortest that the two sides disagree on is in
 * the error. Answers how many commands were done.
 */
export async function replayRandomWays({ rules, commands }: Scope, options: RandomWays): Promise<number> {
  let steps = 0
  const ways = sequences(
    commands.map((command) => constant(new ModelCommand(command, () => void (steps += 1)))),
    { maxCommands: options.length, size: 'max' },
  )
  const property = asyncProperty(ways, async (way) => {
    const replay = await openReplay(rules, options.controllers)
    try {
      await asyncModelRun(() => ({ model: { world: replay.world }, real: replay }), way)
    } finally {
      await replay.real.close()
    }
  })
  await assert(property, { numRuns: options.runs, seed: options.seed, endOnFailure: true })
  return steps
}
