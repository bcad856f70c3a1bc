import { fileURLToPath } from 'node:url'
import { Fault } from '../../schemas/fault.ts'
import { giveWay, kill, runIn, startChild, type Child, type SandboxLimits } from '../gates/sandbox-process.ts'
import type { PullJob } from './pull-child.ts'
import type { PullVerdict } from './pull-verdict.ts'

/** `crashed` where there is no verdict, which may be the machine's fault. */
export type Judged = PullVerdict & { crashed?: true }

export type PullProcesses = {
  /** Judges one head in a process of its own. A crash or a time-out is a failing verdict. @throws Fault `DRAINING` */
  judge: (job: PullJob) => Promise<Judged>
  stop: () => Promise<void>
}

const LIMITS: SandboxLimits = { timeoutMs: 180_000, memoryMiB: 768, maxOutputBytes: 1024 * 1024 }
const PULL_CHILD = fileURLToPath(new URL('pull-child.js', import.meta.url))

export function openPullProcesses(limits: SandboxLimits = LIMITS): PullProcesses {
  const running = new Set<Child>()
  let stopped = false
  return {
    async judge(job) {
      if (stopped) throw draining()
      const child = startChild(limits, PULL_CHILD, [job.objects])
      running.add(child)
      child.once('exit', () => running.delete(child))
      giveWay(child)
      const ended = await runIn(child, JSON.stringify(job), limits, limits.timeoutMs)
      if (stopped) throw draining()
      return ended.kind === 'output' ? verdictIn(ended.text) : crashed(ended.reason, ended.message)
    },
    async stop() {
      stopped = true
      const exits = [...running].map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of running) kill(child)
      await Promise.all(exits)
    },
  }
}

const draining = () => new Fault('DRAINING', 'The controller stops, and judges nothing more.')

const crashed = (reason: string, why: string): Judged => ({
  state: 'failure',
  description: `${reason}: ${why}`,
  crashed: true,
})

/** What comes from a process that read files of strangers is no more than two texts. */
function verdictIn(text: string): Judged {
  try {
    const { state, description } = JSON.parse(text) as Partial<PullVerdict>
    const isState = state === 'success' || state === 'failure' || state === 'error'
    if (isState && typeof description === 'string') return { state, description }
  } catch {
    // As for JSON of another shape.
  }
  return crashed('GATE_CRASHED', 'Its process gave no readable verdict.')
}
