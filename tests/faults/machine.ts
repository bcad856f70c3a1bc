import { AsyncLocalStorage } from 'node:async_hooks'
import childProcess, { type ChildProcess } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import type { FaultKind } from './fault-kinds.ts'
import { failWith, interceptFiles, isWithin, proceedThen, tornArgs, type Operation } from './intercept.ts'
import { openUnsynced, type Unsynced } from './unsynced.ts'

/** What a program on a machine did: it ended, the machine went down under it, or it did neither in time. */
export type Ended<T> = { met: string | null } & ({ end: 'returned'; value: T } | { end: 'down' } | { end: 'hung' })

/** Where the faults of a program strike: in itself, or in the node processes that it starts. */
export type Place = 'program' | 'children'

export type MachineOptions = {
  fault: FaultKind
  /** Which operation, from 1. */
  at: number
  /** Only operations on files below this folder count. */
  below: string
  patienceMs: number
  /** Where the fault strikes not the program but the node processes that it starts: the environment of `inject.ts`. */
  childEnv: NodeJS.ProcessEnv | null
}

type Machine = MachineOptions & {
  counted: ReadonlySet<string>
  count: number
  met: string | null
  isDown: boolean
  goDown: () => void
  clockMs: number
  unsynced: Unsynced | null
  /** Operations that began and have not ended. */
  running: number
  handles: Set<FileHandle>
  children: Set<ChildProcess>
  timers: Set<NodeJS.Timeout>
}

const INJECT = new URL('./inject.js', import.meta.url).href
const machines = new AsyncLocalStorage<Machine>()
const real = { spawn: childProcess.spawn, setTimeout, setInterval, Date }
const LAST_OPERATIONS_MS = 10_000
/** True while the harness itself looks at the disk. */
let isOurs = false

/**
 * Runs a program of this process as on a machine of its own, which meets a fault. A fault that is fatal takes the
 * machine down: from then on nothing of the program does anything to a file, its timers never fire and its children are
 * killed, so that the disk is what a killed process leaves, or one that lost its power. Starting a process for each of
 * some thousand points would take an hour.
 */
export async function runOnMachine<T>(options: MachineOptions, program: () => Promise<T>): Promise<Ended<T>> {
  const machine: Machine = {
    ...options,
    counted: new Set(options.childEnv === null ? options.fault.operations.split(',') : []),
    count: 0,
    met: null,
    isDown: false,
    goDown: () => undefined,
    clockMs: 0,
    unsynced: options.fault.kind.startsWith('power') ? openUnsynced(options.below) : null,
    running: 0,
    handles: new Set(),
    children: new Set(),
    timers: new Set(),
  }
  const down = new Promise<'down'>((resolve) => (machine.goDown = () => resolve('down')))
  const program$ = machines.run(machine, program)
  program$.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'hung'>((resolve) => {
    timer = real.setTimeout(() => resolve('hung'), options.patienceMs)
  })
  try {
    const ended = await Promise.race([program$.then((value) => ({ value })), down, late])
    if (typeof ended !== 'string') return { end: 'returned', value: ended.value, met: machine.met }
    await turnOff(machine)
    if (ended === 'down') machine.unsynced?.lose(options.fault.kind === 'power' ? 'names and bytes' : 'bytes')
    return { end: ended, met: machine.met }
  } finally {
    clearTimeout(timer)
  }
}

async function turnOff(machine: Machine): Promise<void> {
  machine.isDown = true
  for (const timer of machine.timers) clearTimeout(timer)
  for (const child of machine.children) killGroup(child)
  // What the system began to do it does, whether the process that asked for it lives or not.
  const deadline = performance.now() + LAST_OPERATIONS_MS
  while (machine.running > 0 && performance.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
  if (machine.running > 0) throw new Error(`${machine.running} operations never ended`)
  await Promise.all([...machine.handles].map((handle) => handle.close().catch(() => undefined)))
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

interceptFiles((operation) => {
  const machine = machines.getStore()
  if (machine === undefined || isOurs || !isWithin(machine.below, operation.path)) return operation.proceed()
  if (machine.isDown) return never(operation)
  const counts = operation.kinds.some((kind) => machine.counted.has(kind))
  if (!counts || ++machine.count !== machine.at) return passed(machine, operation)
  machine.met = `${operation.kinds.join('/')} ${operation.path.slice(machine.below.length + 1)}`
  return struck(machine, operation)
})

function passed(machine: Machine, operation: Operation): unknown {
  const { unsynced } = machine
  machine.running += 1
  const after = (): void => void (machine.running -= 1)
  const doIt = (): unknown =>
    unsynced === null ? proceedThen(operation, operation.args, after) : ours(() => unsynced.follow(operation, after))
  // Node's own `rm` calls other functions of node:fs, which are part of this one operation.
  const result = operation.name === 'rm' ? machines.exit(doIt) : doIt()
  if (operation.name === 'open' && result instanceof Promise)
    return result.then((handle: FileHandle) => {
      machine.handles.add(handle)
      return handle
    })
  return result
}

function struck(machine: Machine, operation: Operation): unknown {
  const { kind } = machine.fault
  if (kind !== 'torn' && kind !== 'kill' && !kind.startsWith('power')) return failWith(kind, operation)
  machine.isDown = true
  if (kind === 'torn') {
    machine.running += 1
    const result = proceedThen(operation, tornArgs(operation), () => {
      machine.running -= 1
      machine.goDown()
    })
    if (result instanceof Promise) result.catch(() => undefined)
  } else machine.goDown()
  return never(operation)
}

/** To whom an operation is not answered any more cannot go on. */
function never({ failing }: Operation): unknown {
  if (failing === 'throws') throw new Error('the machine is down')
  return failing === 'rejects' ? new Promise(() => undefined) : undefined
}

function ours<T>(work: () => T): T {
  const before = isOurs
  isOurs = true
  try {
    return work()
  } finally {
    isOurs = before
  }
}

childProcess.spawn = function (command: string, args: readonly string[], options: object) {
  const machine = machines.getStore()
  if (machine === undefined) return real.spawn(command, args, options)
  if (machine.isDown) throw new Error('the machine is down')
  const isStruck = machine.childEnv !== null && command === process.execPath
  const given = isStruck ? ['--import', INJECT, ...args] : args
  const env = (options as { env?: NodeJS.ProcessEnv }).env
  const child = real.spawn(command, given, isStruck ? { ...options, env: { ...env, ...machine.childEnv } } : options)
  machine.children.add(child)
  return child
} as typeof childProcess.spawn
syncBuiltinESMExports()

for (const name of ['setTimeout', 'setInterval'] as const)
  globalThis[name] = Object.assign((...args: Parameters<typeof setTimeout>) => {
    const timer = real[name](...args)
    machines.getStore()?.timers.add(timer)
    return timer
  }, real[name]) as never

/** The time as the program on a machine sees it. */
function clock(): number {
  const machine = machines.getStore()
  if (machine === undefined || isOurs) return real.Date.now()
  if (machine.counted.has('clock') && ++machine.count === machine.at) {
    machine.met = `clock, ${machine.fault.jumpMs} ms`
    machine.clockMs = machine.fault.jumpMs ?? 0
  }
  return real.Date.now() + machine.clockMs
}

globalThis.Date = new Proxy(real.Date, {
  construct: (target, args: []) => (args.length === 0 ? new target(clock()) : new target(...args)),
  get: (target, name, receiver: unknown) => (name === 'now' ? clock : (Reflect.get(target, name, receiver) as unknown)),
})
