import { deepStrictEqual } from 'node:assert/strict'
import { done, isPossible, nameOf, worldWith, type Command } from './commands.ts'
import { openRealRegistry, type RealRegistry } from './real-registry.ts'
import { settle, type Rules, type World } from './rules.ts'

/** The model beside the real thing. */
export type Replay = { world: World; real: RealRegistry }

export async function openReplay(rules: Rules, controllers: 1 | 2): Promise<Replay> {
  const real = await openRealRegistry(rules, controllers)
  return { world: worldWith(rules, real.begins), real }
}

/** Does the command in both, and compares everything that was decided and what is in force then. */
export async function replayStep(replay: Replay, command: Command): Promise<void> {
  const { world, real } = replay
  const next = done(world, command)
  await real.perform(command, world, next)
  await real.settle()
  const { world: expected, written } = settle(next)
  const { entries, ...seen } = await real.look(expected.forged)
  const told = command.kind === 'recover' ? entries.slice(1) : entries
  const { seq, epoch, candidate, current, status, settingsSeq, revoked } = expected.live
  deepStrictEqual(
    { entries: told, ...seen },
    {
      entries: written.map(({ decisions }) => [...decisions]),
      seq,
      epoch,
      candidate,
      current,
      status,
      settingsSeq,
      revoked: [...revoked],
    },
  )
  replay.world = expected
}

/** Replays a whole way. Answers how many of its commands were possible. */
export async function replayWay(way: readonly Command[], rules: Rules, controllers: 1 | 2): Promise<number> {
  const replay = await openReplay(rules, controllers)
  let steps = 0
  try {
    for (const command of way) {
      if (!isPossible(replay.world, command)) continue
      await replayStep(replay, command)
      steps += 1
    }
  } catch (error) {
    throw new Error(`the controller and the model disagree on ${way.map(nameOf).join('; ')}`, { cause: error })
  } finally {
    await replay.real.close()
  }
  return steps
}
