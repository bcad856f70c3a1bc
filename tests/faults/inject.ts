import childProcess from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Loaded before a program with `node --import`: the n-th operation on files below a folder goes wrong. No program knows
 * of it.
 *
 * `FAULT_KIND`: `kill` (SIGKILL before it), `torn` (half of the bytes are written, then SIGKILL), or an error
 * code such as `ENOSPC`, which is answered in the place of the operation. `FAULT_AT`: which operation, from 1.
 * `FAULT_OPERATIONS`: those that count, from `open`, `create` (an `open` to write), `read`, `write`, `sync`, `rename`, `link`, `remove`, `mkdir`.
 * `FAULT_BELOW`: the folder. `FAULT_MET`: a file that names the operation once the fault was met. `FAULT_IN`: `children`
 * where the processes that the program starts are meant, not the program.
 */
const {
  FAULT_KIND: kind = '',
  FAULT_BELOW: below = '/',
  FAULT_MET: met = '',
  FAULT_IN: place = 'program',
} = process.env
const at = Number(process.env['FAULT_AT'] ?? 0)
const counted = new Set((process.env['FAULT_OPERATIONS'] ?? '').split(','))

type Call = (...args: unknown[]) => unknown
type Holder = Record<string, Call>
/** How a function tells that it failed. */
type Failing = 'throws' | 'rejects' | 'calls-back'

/** What a function does to files. */
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  open: ['open'],
  readFile: ['open', 'read'],
  readdir: ['open', 'read'],
  read: ['read'],
  writeFile: ['write'],
  appendFile: ['write'],
  write: ['write'],
  writev: ['write'],
  truncate: ['write'],
  ftruncate: ['write'],
  sync: ['sync'],
  datasync: ['sync'],
  fsync: ['sync'],
  fdatasync: ['sync'],
  rename: ['rename'],
  link: ['link'],
  symlink: ['link'],
  unlink: ['remove'],
  rm: ['remove'],
  rmdir: ['remove'],
  mkdir: ['mkdir'],
  copyFile: ['write'],
}
const WRITES_BYTES = /^(write|writev|writeFile|appendFile)(Sync)?$/

const append = fs.appendFileSync
/** Open files below the folder: the others, such as `/dev/null`, never fail. */
const inside = new Set<unknown>()
let count = 0

if (place === 'children') patchSpawn()
else await patchFiles()
syncBuiltinESMExports()

async function patchFiles(): Promise<void> {
  const handle = await fs.promises.open('/dev/null')
  const prototype = Object.getPrototypeOf(handle) as Holder
  await handle.close()
  for (const [name, operations] of Object.entries(OPERATIONS)) {
    patch(prototype, name, operations, 'rejects', 'handle')
    patch(fs.promises as unknown as Holder, name, operations, 'rejects', 'first argument')
    if (name.startsWith('read')) continue
    patch(fs as unknown as Holder, name, operations, 'calls-back', 'first argument')
    patch(fs as unknown as Holder, `${name}Sync`, operations, 'throws', 'first argument')
  }
}

function patch(
  holder: Holder,
  name: string,
  operations: readonly string[],
  failing: Failing,
  file: 'handle' | 'first argument',
): void {
  const original = holder[name]
  if (original === undefined) return
  const patched = function (this: unknown, ...args: unknown[]): unknown {
    const isBelow = isInside(file === 'handle' ? this : args[0])
    const all = name.startsWith('open') && opensToWrite(args[1]) ? [...operations, 'create'] : operations
    const counts = isBelow && all.some((operation) => counted.has(operation))
    const call = original.bind(this)
    if (!counts || ++count !== at) return name.startsWith('open') ? opened(call, args, isBelow, failing) : call(...args)
    append(met, `${operations.join('/')} ${String(args[0]).slice(0, 200)}\n`)
    return meet(name, call, args, failing)
  }
  Object.defineProperty(holder, name, { value: patched, configurable: true, writable: true })
}

function isInside(target: unknown): boolean {
  return typeof target === 'string' ? target.startsWith(below) : inside.has(target)
}

/** Remembers the handle or number of a file that was opened below the folder. */
function opened(call: Call, args: unknown[], isBelow: boolean, failing: Failing): unknown {
  if (!isBelow) return call(...args)
  if (failing === 'calls-back') {
    const done = args.at(-1) as (error: unknown, file: unknown) => void
    return call(...args.slice(0, -1), (error: unknown, file: unknown) => {
      inside.add(file)
      done(error, file)
    })
  }
  const result = call(...args)
  if (result instanceof Promise) return result.then((file: unknown) => (inside.add(file), file))
  inside.add(result)
  return result
}

function meet(name: string, call: Call, args: unknown[], failing: Failing): unknown {
  if (kind === 'kill') return kill()
  if (kind === 'torn') {
    const torn = WRITES_BYTES.test(name) ? args.map(halfOf) : args
    if (failing === 'calls-back') return call(...torn.slice(0, -1), kill)
    const result = call(...torn)
    return result instanceof Promise ? result.finally(kill) : kill()
  }
  const error = Object.assign(new Error(`${kind}: injected into ${name}`), { code: kind, syscall: name })
  if (failing === 'rejects') return Promise.reject(error)
  if (failing === 'throws') throw error
  const done = args.at(-1) as (error: unknown) => void
  setImmediate(() => done(error))
  return undefined
}

function opensToWrite(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
  return typeof flags === 'string' && flags !== 'r'
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}

/** Half of what is to be written; paths and numbers stay. */
function halfOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.subarray(0, Math.floor(value.length / 2))
  if (Array.isArray(value)) return value.slice(0, 1).map(halfOf)
  if (typeof value === 'string' && !value.startsWith('/') && value !== 'latin1') return value.slice(0, value.length / 2)
  return value
}

/** Passes the fault on to node processes, which the program starts with an environment of their own. */
function patchSpawn(): void {
  const holder = childProcess as unknown as Holder
  const original = holder['spawn']
  holder['spawn'] = (command: unknown, args: unknown, options: unknown): unknown => {
    if (command !== process.execPath) return original?.(command, args, options)
    const { env } = options as { env: NodeJS.ProcessEnv }
    const fault = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('FAULT_')))
    const passed = { ...(options as object), env: { ...env, ...fault, FAULT_IN: 'program' } }
    return original?.(command, ['--import', import.meta.url, ...(args as string[])], passed)
  }
}
