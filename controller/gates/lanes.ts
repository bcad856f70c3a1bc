import { Fault } from '../../schemas/fault.ts'
import type { GateOutcome, GateRequest } from './judge-bundle.ts'
import type { Sandbox } from './sandbox.ts'

/**
 * Two ways to a judgement. What `first` judges holds up a promotion and begins at once. What `later` judges may wait:
 * one at a time, only while `first` judges nothing, and it is killed and begun again when `first` has something.
 */
export type Lanes = { first: Sandbox; later: LaterLane; stop(): Promise<void> }

export type LaterLane = {
  /**
   * Does `work` when its turn comes, in the order asked; `judge` is the sandbox of its turn, good until `work` ends.
   * @throws Fault `GATES_BUSY` at once where too many wait, `DRAINING` where the controller stops, and those of `work`
   */
  run<T>(work: (judge: Sandbox['judge']) => Promise<T>): Promise<T>
  /** Drops what waits and kills what runs. */
  stop(): Promise<void>
}

export type LanesDeps = {
  first: Sandbox
  /** A sandbox of low priority for one turn. */
  openLater: () => Sandbox
  /** How many may wait for their turn. */
  room: number
}

type Turn = { begin: () => Promise<void>; drop: (fault: Fault) => void }

export function openLanes({ first, openLater, room }: LanesDeps): Lanes {
  const waiting: Turn[] = []
  let busy = 0
  let wake = () => {}
  let taking: Promise<void> | null = null
  let judging: Sandbox | null = null
  let stopped = false

  async function before<T>(work: () => Promise<T>): Promise<T> {
    busy += 1
    const interrupted = judging
    judging = null
    void interrupted?.stop()
    try {
      return await work()
    } finally {
      busy -= 1
      wake()
    }
  }

  async function untilIdle(): Promise<void> {
    if (busy === 0 || stopped) return
    await new Promise<void>((resolve) => (wake = resolve))
    await untilIdle()
  }

  async function judgeLater(request: GateRequest): Promise<GateOutcome> {
    for (;;) {
      await untilIdle()
      if (stopped) throw draining()
      const mine = openLater()
      judging = mine
      const ended = await judgeOnce(mine, request)
      const isWhole = judging === mine && !stopped
      if (judging === mine) judging = null
      if (isWhole && 'outcome' in ended) return ended.outcome
      if (isWhole && 'error' in ended) throw ended.error
    }
  }

  /** One after another, so that at most one later judgement is in memory. */
  async function takeTurns(): Promise<void> {
    for (let turn = waiting.shift(); turn !== undefined; turn = waiting.shift()) await turn.begin()
    taking = null
  }

  async function stopLater(): Promise<void> {
    stopped = true
    for (const { drop } of waiting.splice(0)) drop(draining())
    wake()
    await judging?.stop()
    await taking
  }

  return {
    first: {
      judge: (request) => before(() => first.judge(request)),
      judgeValues: (request) => before(() => first.judgeValues(request)),
      stop: () => first.stop(),
    },
    later: {
      run(work) {
        return new Promise((resolve, reject) => {
          if (stopped) return reject(draining())
          if (waiting.length >= room) return reject(crowded(room))
          const begin = () => work(judgeLater).then(resolve, reject)
          waiting.push({ begin, drop: reject })
          taking ??= takeTurns()
        })
      },
      stop: stopLater,
    },
    async stop() {
      await Promise.all([first.stop(), stopLater()])
    },
  }
}

/** What a sandbox of one turn gave; one that was stopped may fail in any way. */
async function judgeOnce(
  sandbox: Sandbox,
  request: GateRequest,
): Promise<{ outcome: GateOutcome } | { error: unknown }> {
  try {
    return { outcome: await sandbox.judge(request) }
  } catch (error) {
    return { error }
  } finally {
    await sandbox.stop()
  }
}

const draining = () => new Fault('DRAINING', 'The controller stops, and judges nothing more.')

const RETRY_AFTER_S = 10

const crowded = (room: number) =>
  new Fault('GATES_BUSY', `${room} judgements wait for their turn already, and none is dropped for this one.`, {
    retryAfterS: RETRY_AFTER_S,
  })
