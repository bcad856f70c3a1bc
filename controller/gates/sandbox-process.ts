import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { PACKAGE_ROOT } from '../../schemas/package-root.ts'
import type { Reason } from '../../schemas/reasons.ts'

export type SandboxLimits = {
  /** Wall time of one judgement. */
  timeoutMs: number
  /** V8's old space, in MiB. */
  memoryMiB: number
  /** Bytes on standard output. */
  maxOutputBytes: number
}

export type Child = ChildProcessByStdio<Writable, Readable, Readable>
export type Failed = { kind: 'failed'; reason: Reason; message: string }
export type Ended = { kind: 'output'; text: string } | Failed

/** What the child must read to run; `.contractor`, with its keys, may stand beside it. */
const CODE = [
  join(fileURLToPath(new URL('../../', import.meta.url)), '*'),
  join(PACKAGE_ROOT, 'node_modules', '*'),
  join(PACKAGE_ROOT, 'schemas', '*'),
  join(PACKAGE_ROOT, 'package.json'),
]

/** Flags of Node that take from the child every right but to read its own code, and to run a thread that ends it. */
export function sandboxFlags(memoryMiB: number): string[] {
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission'
  const readable = CODE.map((path) => `--allow-fs-read=${path}`)
  return ['--no-warnings', permission, '--allow-worker', ...readable, `--max-old-space-size=${memoryMiB}`]
}

export const GATES_CHILD = fileURLToPath(new URL('sandbox-child.js', import.meta.url))

/**
 * @param entry the program that it runs; `GATES_CHILD` for gates
 * @param readable folders that it may read beside its own code
 */
export function startChild(
  { memoryMiB, timeoutMs }: SandboxLimits,
  entry: string = GATES_CHILD,
  readable: readonly string[] = [],
): Child {
  const told = [String(process.pid), String(timeoutMs)]
  const folders = readable.map((path) => `--allow-fs-read=${join(path, '*')}`)
  const child = spawn(process.execPath, [...sandboxFlags(memoryMiB), ...folders, entry, ...told], {
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
export function giveWay({ pid }: Child): void {
  if (pid === undefined) return
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It ended already.
  }
}

/** Gives a child its task and takes the answer, or ends it after what is left of its time. */
export function runIn(child: Child, task: string, limits: SandboxLimits, leftMs: number): Promise<Ended> {
  const { timeoutMs, maxOutputBytes } = limits
  return new Promise((resolve) => {
    const output: Buffer[] = []
    let size = 0
    let complaint = ''
    const settle = (ended: Ended) => {
      clearTimeout(timer)
      kill(child)
      resolve(ended)
    }
    const fail = (reason: Reason, message: string) => settle({ kind: 'failed', reason, message })
    const timer = setTimeout(
      () => fail('GATE_TIMEOUT', `The gates did not finish within ${timeoutMs / 1000} s.`),
      leftMs,
    )
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > maxOutputBytes) fail('GATE_CRASHED', `The gates printed more than ${maxOutputBytes} bytes.`)
      else output.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < 2_000) complaint += chunk.toString('utf8')
    })
    child.once('close', (code, signal) => {
      if (code === 0) settle({ kind: 'output', text: Buffer.concat(output).toString('utf8') })
      else
        fail('GATE_CRASHED', `The process of the gates ended with ${signal ?? `code ${code}`}${memoryHint(complaint)}.`)
    })
    child.stdin.end(task)
  })
}

function memoryHint(complaint: string): string {
  return /heap out of memory|heap limit/i.test(complaint) ? ' (it ran out of memory)' : ''
}

export function kill(child: Child): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}
