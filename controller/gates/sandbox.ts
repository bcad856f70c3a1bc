import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { bundleDigest } from '../../runtime/bundle/digest.ts'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import type { Reason } from '../../schemas/reasons.ts'
import { Fault } from '../../schemas/fault.ts'
import type { GateOutcome, GateRequest } from './judge-bundle.ts'
import { reportInputs } from './report-inputs.ts'
import { decodeOutcome, encodeRequest } from './wire.ts'

export type SandboxLimits = {
  /** Wall time of one judgement. */
  timeoutMs: number
  /** V8's old space, in MiB. */
  memoryMiB: number
  /** Bytes on standard output. */
  maxOutputBytes: number
}

export const SANDBOX_LIMITS: SandboxLimits = { timeoutMs: 60_000, memoryMiB: 768, maxOutputBytes: 48 * 1024 * 1024 }

export type Sandbox = {
  /** Judges one bundle in a fresh process. A crash or a time-out is a failing report, never an exception. */
  judge(request: GateRequest): Promise<GateOutcome>
  stop(): Promise<void>
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>
type Ended = { kind: 'output'; text: string } | { kind: 'failed'; reason: Reason; message: string }

/**
 * A sandbox that keeps one spare child ready, so that a judgement does not wait for a process to start; one of low
 * priority keeps none. A child serves one request and ends: nothing of one bundle reaches the next.
 */
export function openSandbox(limits: SandboxLimits = SANDBOX_LIMITS, priority: 'normal' | 'low' = 'normal'): Sandbox {
  const running = new Set<Child>()
  let stopped = false
  const start = (): Child => {
    const child = startChild(limits)
    if (priority === 'low') giveWay(child)
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }
  let spare: Child | null = priority === 'low' ? null : start()
  const take = (): Child => {
    const child = spare
    spare = null
    return child !== null && running.has(child) ? child : start()
  }
  return {
    async judge(request) {
      if (stopped) throw new Fault('UNDECIDED', 'The sandbox is stopped; start the controller again.')
      const ended = await judgeIn(take(), encodeRequest(request), limits)
      if (!stopped && priority === 'normal') spare ??= start()
      return outcomeOf(ended, request)
    },
    async stop() {
      stopped = true
      const exits = [...running].map((child) => new Promise((resolve) => child.once('exit', resolve)))
      for (const child of running) kill(child)
      await Promise.all(exits)
    },
  }
}

/** What the child must read to run; `.contractor`, with its keys, may stand beside it. */
const CODE = [
  join(fileURLToPath(new URL('../../', import.meta.url)), '*'),
  join(PACKAGE_ROOT, 'node_modules', '*'),
  join(PACKAGE_ROOT, 'schemas', '*'),
  join(PACKAGE_ROOT, 'package.json'),
]

/** Flags of Node that take from the child every right but to read its own code. */
export function sandboxFlags(memoryMiB: number): string[] {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission'
  const readable = CODE.map((path) => `--allow-fs-read=${path}`)
  return ['--no-warnings', permission, ...readable, `--max-old-space-size=${memoryMiB}`]
}

function startChild({ memoryMiB }: SandboxLimits): Child {
  const entry = fileURLToPath(new URL('sandbox-child.js', import.meta.url))
  const child = spawn(process.execPath, [...sandboxFlags(memoryMiB), entry], {
    cwd: PACKAGE_ROOT,
    env: {},
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  return child
}

/** Gives a child the processor only where nobody else wants it. */
function giveWay({ pid }: Child): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It ended already.
  }
}

function judgeIn(child: Child, request: string, { timeoutMs, maxOutputBytes }: SandboxLimits): Promise<Ended> {
  return new Promise((resolve) => {
    const output: Buffer[] = []
    let size = 0
    let complaint = ''
    const settle = (ended: Ended) => {
      clearTimeout(timer)
      kill(child)
      resolve(ended)
    }
    const timer = setTimeout(() => {
      settle({
        kind: 'failed',
        reason: 'GATE_TIMEOUT',
        message: `The gates did not finish within ${timeoutMs / 1000} s.`,
      })
    }, timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutputBytes)
        settle({
          kind: 'failed',
          reason: 'GATE_CRASHED',
          message: `The gates printed more than ${maxOutputBytes} bytes.`,
        })
      else output.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 2_000) complaint += chunk.toString('utf8')
    })
    child.once('close', (code, signal) => {
      if (code === 0) settle({ kind: 'output', text: Buffer.concat(output).toString('utf8') })
      else
        settle({
          kind: 'failed',
          reason: 'GATE_CRASHED',
          message: `The process of the gates ended with ${signal ?? `code ${code}`}${memoryHint(complaint)}.`,
        })
    })
    child.stdin.end(request)
  })
}

function memoryHint(complaint: string): string {
  return /heap out of memory|heap limit/i.test(complaint) ? ' (it ran out of memory)' : ''
}

function kill(child: Child): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
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
