import { appendFileSync, existsSync } from 'node:fs'
import { failWith, interceptFiles, isWithin, proceedThen, tornArgs, type Operation } from './intercept.ts'

/**
 * Loaded before a program with `node --import`: the n-th operation on files below a folder goes wrong, once. No program
 * knows of it.
 *
 * `FAULT_KIND`: `kill` (SIGKILL before it), `torn` (half of the bytes are written, then SIGKILL), or an error code such
 * as `ENOSPC`, which is answered in the place of the operation. `FAULT_AT`: which operation, from 1. `FAULT_OPERATIONS`:
 * the kinds that count. `FAULT_BELOW`: the folder. `FAULT_MET`: a file that names the operation once the fault was met;
 * a process that finds it there is spared.
 */
const { FAULT_KIND: kind = '', FAULT_BELOW: below = '/', FAULT_MET: met = '' } = process.env
const at = Number(process.env['FAULT_AT'] ?? 0)
const counted = new Set((process.env['FAULT_OPERATIONS'] ?? '').split(','))
let count = existsSync(met) ? Number.NEGATIVE_INFINITY : 0

const kill = (): void => void process.kill(process.pid, 'SIGKILL')

interceptFiles((operation: Operation): unknown => {
  const isCounted = isWithin(below, operation.path) && operation.kinds.some((each) => counted.has(each))
  if (!isCounted || ++count !== at) return operation.proceed()
  appendFileSync(met, `${operation.kinds.join('/')} ${operation.path.slice(0, 200)}\n`)
  if (kind === 'kill') return kill()
  if (kind === 'torn') return proceedThen(operation, tornArgs(operation), kill)
  return failWith(kind, operation)
})
