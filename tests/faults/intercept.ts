import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/** How a function tells that it failed. */
export type Failing = 'throws' | 'rejects' | 'calls-back'

/** One call that does something to a file. */
export type Operation = {
  /** `open`, `writeFile`, … without `Sync`. */
  name: string
  /** From `open`, `create` (an `open` to write), `read`, `write`, `sync`, `rename`, `link`, `remove`, `mkdir`. */
  kinds: readonly string[]
  /** Of the file, of the one that an open handle stands for, or of what a link is made; empty where nobody knows. */
  path: string
  args: readonly unknown[]
  failing: Failing
  /** Does it, with other arguments where they are given. */
  proceed: (args?: readonly unknown[]) => unknown
}

type Call = (...args: unknown[]) => unknown
type Holder = Record<string, Call>

const KINDS: Readonly<Record<string, readonly string[]>> = {
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
/** Whose second argument is the path that comes to be. */
const MAKES_SECOND = new Set(['symlink', 'link'])

let meet: (operation: Operation) => unknown = ({ proceed }) => proceed()
const pathsOfHandles = new WeakMap<object, string>()
const pathsOfNumbers = new Map<number, string>()

/** Every later operation on files goes through `handler`. */
export function interceptFiles(handler: (operation: Operation) => unknown): void {
  meet = handler
}

// At once, so that a module which keeps a function of node:fs when it is loaded keeps the one that can be met.
const handle = await fs.promises.open('/dev/null')
const prototype = Object.getPrototypeOf(handle) as Holder
await handle.close()
for (const [name, kinds] of Object.entries(KINDS)) {
  patch(prototype, name, kinds, 'rejects', 'handle')
  patch(fs.promises as unknown as Holder, name, kinds, 'rejects', 'path')
  if (name.startsWith('read')) continue
  patch(fs as unknown as Holder, name, kinds, 'calls-back', 'path')
  patch(fs as unknown as Holder, `${name}Sync`, kinds, 'throws', 'path')
}
syncBuiltinESMExports()

function patch(
  holder: Holder,
  called: string,
  kinds: readonly string[],
  failing: Failing,
  names: 'handle' | 'path',
): void {
  const original = holder[called]
  if (original === undefined) return
  const name = called.replace(/Sync$/, '')
  const patched = function (this: unknown, ...args: unknown[]): unknown {
    const path = names === 'handle' ? pathOf(this) : pathOf(args[MAKES_SECOND.has(name) ? 1 : 0])
    const all = name === 'open' && opensToWrite(args[1]) ? [...kinds, 'create'] : kinds
    const proceed = (given: readonly unknown[] = args): unknown =>
      name === 'open' ? opened(path, original.bind(this), given, failing) : original.apply(this, [...given])
    return meet({ name, kinds: all, path, args, failing, proceed })
  }
  Object.defineProperty(holder, called, { value: patched, configurable: true, writable: true })
}

function pathOf(file: unknown): string {
  if (typeof file === 'string') return file
  if (typeof file === 'number') return pathsOfNumbers.get(file) ?? ''
  return typeof file === 'object' && file !== null ? (pathsOfHandles.get(file) ?? '') : ''
}

function remember(file: unknown, path: string): void {
  if (typeof file === 'number') pathsOfNumbers.set(file, path)
  else if (typeof file === 'object' && file !== null) pathsOfHandles.set(file, path)
}

function opened(path: string, call: Call, args: readonly unknown[], failing: Failing): unknown {
  if (failing === 'calls-back') {
    const done = args.at(-1) as (error: unknown, file: unknown) => void
    return call(...args.slice(0, -1), (error: unknown, file: unknown) => {
      remember(file, path)
      done(error, file)
    })
  }
  const result = call(...args)
  if (result instanceof Promise) return result.then((file: unknown) => (remember(file, path), file))
  remember(result, path)
  return result
}

export function opensToWrite(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
  return typeof flags === 'string' && flags !== 'r'
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

const WRITES_BYTES = new Set(['write', 'writev', 'writeFile', 'appendFile'])

/** The arguments of a write that takes half of its bytes; those of any other operation as they are. */
export function tornArgs({ name, args }: Operation): readonly unknown[] {
  return WRITES_BYTES.has(name) ? args.map(halfOf) : args
}

/** Half of what is to be written; paths and numbers stay. */
function halfOf(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.subarray(0, Math.floor(value.length / 2))
  if (Array.isArray(value)) return value.slice(0, 1).map(halfOf)
  if (typeof value === 'string' && !value.startsWith('/') && value !== 'latin1') return value.slice(0, value.length / 2)
  return value
}

/** Answers an error code in the place of the operation. */
export function failWith(code: string, { name, failing, args }: Operation): unknown {
  const error = Object.assign(new Error(`${code}: injected into ${name}`), { code, syscall: name })
  if (failing === 'rejects') return Promise.reject(error)
  if (failing === 'throws') throw error
  const done = args.at(-1) as (error: unknown) => void
  setImmediate(() => done(error))
  return undefined
}

/** Does it, and calls `after` when it ended, before the caller is told. */
export function proceedThen(operation: Operation, args: readonly unknown[], after: () => void): unknown {
  if (operation.failing === 'calls-back') {
    const done = args.at(-1) as (...results: unknown[]) => void
    return operation.proceed([...args.slice(0, -1), (...results: unknown[]) => (after(), done(...results))])
  }
  let result: unknown
  try {
    result = operation.proceed(args)
  } finally {
    if (!(result instanceof Promise)) after()
  }
  return result instanceof Promise ? result.finally(after) : result
}
