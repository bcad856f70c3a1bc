import { bundleDigest } from '../../runtime/bundle/digest.ts'
import type { BundleFiles } from '../../runtime/bundle/files.ts'
import type { SuiteResult } from '../../runtime/engine/suites.ts'
import { Fault } from '../../schemas/fault.ts'
import type { Reason } from '../../schemas/reasons.ts'
import type { Values } from '../../schemas/registry/tenant.ts'
import { withRepetition } from './determinism.ts'
import type { GateOutcome, GateRequest } from './judge-bundle.ts'
import { reportInputs } from './report-inputs.ts'
import { giveWay, kill, runIn, startChild, type Child, type Ended, type SandboxLimits } from './sandbox-process.ts'
import type { ValuesProblem } from './values.ts'
import { decodeOutcome, encodeTask, type Task } from './wire.ts'

export const SANDBOX_LIMITS: SandboxLimits = { timeoutMs: 60_000, memoryMiB: 768, maxOutputBytes: 48 * 1024 * 1024 }

export type Sandbox = {
  /**
   * Judges one bundle in a fresh process, and runs its cases again in another one. A crash or a time-out is a failing
   * report, never an exception.
   */
  judge: (request: GateRequest) => Promise<GateOutcome>
  /** What is wrong with a tenant's values in a sealed bundle; a crash or a time-out is a problem, never an exception. */
  judgeValues(request: { files: BundleFiles; values: Values }): Promise<ValuesProblem[]>
  stop(): Promise<void>
}

/** One for the judgement, and one for its repetition. */
const SPARES = 2

/**
 * A sandbox that keeps spare children ready, so that a judgement does not wait for processes to start; one of low
 * priority keeps none, nor does one for a single look. A child serves one task and ends: nothing of one bundle reaches the next.
 */
export function openSandbox(
  limits: SandboxLimits = SANDBOX_LIMITS,
  priority: 'normal' | 'low' = 'normal',
  spare: 'kept' | 'none' = priority === 'low' ? 'none' : 'kept',
): Sandbox {
  const running = new Set<Child>()
  const spares: Child[] = []
  let stopped = false
  const start = (): Child => {
    const child = startChild(limits)
    if (priority === 'low') giveWay(child)
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }
  const refill = () => {
    if (stopped || spare === 'none') return
    while (spares.length < SPARES) spares.push(start())
  }
  const take = (): Child => {
    if (stopped) throw new Fault('UNDECIDED', 'The sandbox is stopped; start the controller again.')
    const child = spares.shift()
    return child !== undefined && running.has(child) ? child : start()
  }
  const run = (task: Task, leftMs: number) => runIn(take(), encodeTask(task), limits, leftMs)
  refill()
  return {
    async judge(request) {
      const begun = performance.now()
      const judged = outcomeOf(await run({ kind: 'judge', request }, limits.timeoutMs), request)
      if (judged.sealed === null) {
        refill()
        return judged
      }
      if (stopped) return failure('GATE_CRASHED', 'The sandbox was stopped.', request)
      const leftMs = limits.timeoutMs - (performance.now() - begun)
      const again = await run({ kind: 'repeat', files: judged.sealed }, leftMs)
      refill()
      return repeated(judged, again, request)
    },
    async judgeValues(request) {
      const ended = await run({ kind: 'values', ...request }, limits.timeoutMs)
      refill()
      return problemsOf(ended)
    },
    async stop() {
      stopped = true
      const exits = [...running].map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of running) kill(child)
      await Promise.all(exits)
    },
  }
}

function outcomeOf(ended: Ended, request: GateRequest): GateOutcome {
  if (ended.kind === 'failed') return failure(ended.reason, ended.message, request)
  try {
    const outcome = decodeOutcome(ended.text, request.files)
    if (outcome.sealed !== null && bundleDigest(outcome.sealed) !== outcome.report.digest) throw new Error('digest')
    return outcome
  } catch {
    return failure('GATE_CRASHED', 'The process of the gates gave no readable verdict.', request)
  }
}

function repeated(judged: GateOutcome, ended: Ended, request: GateRequest): GateOutcome {
  if (ended.kind === 'failed') return failure(ended.reason, ended.message, request)
  try {
    return { ...judged, report: withRepetition(judged.report, JSON.parse(ended.text) as SuiteResult[]) }
  } catch {
    return failure('GATE_CRASHED', 'The process of the repetition gave no readable results.', request)
  }
}

function problemsOf(ended: Ended): ValuesProblem[] {
  if (ended.kind === 'failed') return [{ code: ended.reason, pointer: [], message: ended.message }]
  try {
    return JSON.parse(ended.text) as ValuesProblem[]
  } catch {
    return [{ code: 'GATE_CRASHED', pointer: [], message: 'The process of the gates gave no readable verdict.' }]
  }
}

function failure(reason: Reason, message: string, request: GateRequest): GateOutcome {
  const place = { path: `bundles/${request.name}`, line: 1, column: 1 }
  const hint = 'A bundle that exhausts its time or memory is refused: make it smaller or simpler.'
  return {
    sealed: null,
    report: {
      ...reportInputs(request),
      version: '',
      bundle_id: null,
      digest: null,
      verdict: 'fail',
      ran: [{ gate: 'sandbox', verdict: 'fail' }],
      findings: [{ gate: 'sandbox', code: reason, severity: 'error', ...place, message, hint }],
      suites: [],
    },
  }
}
