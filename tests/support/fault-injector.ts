import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/**
 * Loaded before a program with `node --import`: the n-th change that the program makes to the file system goes wrong.
 *
 * `FAULT_KIND`: `kill-before`, `kill-after` (SIGKILL), `torn` (half of the bytes are written, then SIGKILL), or an
 * error code such as `ENOSPC`. `FAULT_AT`: which change, from 1. `FAULT_OPERATION`: only changes of this kind count
 * (`open`, `write`, `sync`, `rename`, `link`, `remove`, `mkdir`). A program that ended before it met its fault has
 * written `no fault` to its standard error.
 */
const kind = process.env['FAULT_KIND'] ?? ''
const at = Number(process.env['FAULT_AT'] ?? 0)
const only = process.env['FAULT_OPERATION'] ?? ''
let count = 0

type Call = (...args: unknown[]) => unknown

const WRITES = constantsOf('O_WRONLY', 'O_RDWR')

patch(fs.promises, {
  rename: 'rename',
  link: 'link',
  unlink: 'remove',
  rm: 'remove',
  rmdir: 'remove',
  mkdir: 'mkdir',
  open: 'open',
})
patch(fs, {
  renameSync: 'rename',
  linkSync: 'link',
  unlinkSync: 'remove',
  rmSync: 'remove',
  mkdirSync: 'mkdir',
  writeSync: 'write',
  fsyncSync: 'sync',
  fdatasyncSync: 'sync',
})
const handle = await fs.promises.open('/dev/null')
const prototype: unknown = Object.getPrototypeOf(handle)
await handle.close()
patch(prototype, {
  write: 'write',
  writeFile: 'write',
  appendFile: 'write',
  sync: 'sync',
  datasync: 'sync',
  truncate: 'write',
})
syncBuiltinESMExports()
process.on('exit', () => {
  if (count < at) fs.writeSync(2, 'no fault')
})

function patch(target: unknown, methods: Record<string, string>): void {
  const holder = target as Record<string, Call>
  for (const [name, operation] of Object.entries(methods)) {
    const original = holder[name]
    if (original === undefined) continue
    const patched = function (this: unknown, ...args: unknown[]): unknown {
      if (operation === 'open' && !opensToWrite(args[1])) return original.apply(this, args)
      return meet(operation, name.endsWith('Sync'), original.bind(this), args)
    }
    Object.defineProperty(holder, name, { value: patched, configurable: true, writable: true })
  }
}

function meet(operation: string, sync: boolean, original: Call, args: unknown[]): unknown {
  const counts = (only === '' || only === operation) && (kind !== 'torn' || operation === 'write')
  if (!counts || ++count !== at) return original(...args)
  if (kind === 'kill-before') return kill()
  if (kind === 'kill-after') return sync ? (original(...args), kill()) : Promise.resolve(original(...args)).then(kill)
  if (kind === 'torn') {
    const half = [halfOf(args[0]), ...args.slice(1)]
    return sync ? (original(args[0], halfOf(args[1])), kill()) : Promise.resolve(original(...half)).then(kill)
  }
  const error = Object.assign(new Error(`${kind}: injected into ${operation}`), { code: kind, syscall: operation })
  if (sync) throw error
  return Promise.reject(error)
}

function kill(): void {
  process.kill(process.pid, 'SIGKILL')
}

function halfOf(bytes: unknown): unknown {
  if (typeof bytes === 'string') return bytes.slice(0, bytes.length / 2)
  return bytes instanceof Uint8Array ? bytes.subarray(0, Math.floor(bytes.length / 2)) : bytes
}

function opensToWrite(flags: unknown): boolean {
  return typeof flags === 'number' ? (flags & WRITES) !== 0 : typeof flags === 'string' && flags !== 'r'
}

function constantsOf(...names: ('O_WRONLY' | 'O_RDWR')[]): number {
  return names.reduce((bits, name) => bits | fs.constants[name], 0)
}
