import { Fault } from '../../../schemas/fault.ts'
import { kindOf } from './filter.ts'
import { FILTERS } from './filters.ts'
import type { Meter } from './meter.ts'
import type { Comparison, Expression, Place } from './syntax.ts'

/** What an expression sees. `names` has no prototype that could answer for a variable. */
export type Evaluation = { path: string; names: ReadonlyMap<string, unknown>; meter: Meter }

/**
 * The value of an expression; undefined where a path leads nowhere, for whoever asks to refuse.
 * @throws Fault `OUTPUT_INVALID` naming the place, never a value; `BUDGET_EXCEEDED`.
 */
export function evaluate(node: Expression, at: Evaluation): unknown {
  at.meter.spend(0)
  switch (node.kind) {
    case 'literal':
      return node.value
    case 'list':
      return node.items.map((item) => valueOf(item, at))
    case 'variable':
      return at.names.get(node.name)
    case 'member':
      return memberOf(evaluate(node.target, at), node.key)
    case 'filter':
      return filtered(node, at)
    case 'not':
      return !evaluate(node.operand, at)
    case 'and':
      return evaluate(node.left, at) && evaluate(node.right, at)
    case 'or':
      return evaluate(node.left, at) || evaluate(node.right, at)
    case 'in':
      return contains(valueOf(node.right, at), valueOf(node.left, at), node, at)
    case 'compare':
      return compare(node, at)
    case 'test': {
      const value = evaluate(node.operand, at)
      if (node.test === 'none') return value === null
      return (value === undefined) === (node.test === 'undefined')
    }
    case 'choice':
      return evaluate(node.condition, at) ? evaluate(node.chosen, at) : evaluate(node.otherwise, at)
    default:
      return node satisfies never
  }
}

/** `evaluate`, where undefined is refused. */
export function valueOf(node: Expression, at: Evaluation): unknown {
  const value = evaluate(node, at)
  if (value === undefined)
    fail(node, at, `${pathOf(node)} is not defined; use the filter default, or ask with \`is defined\`.`)
  return value
}

export function fail(place: Place, at: Evaluation, message: string): never {
  throw new Fault('OUTPUT_INVALID', `${at.path}:${place.line}:${place.column}: ${message}`)
}

/** Own data properties only: nothing that is inherited, and no getter is run. */
function memberOf(target: unknown, key: string | number): unknown {
  if (target === null || typeof target !== 'object') return undefined
  const property = Object.getOwnPropertyDescriptor(target, key)
  return property !== undefined && 'value' in property ? (property.value as unknown) : undefined
}

function filtered(node: Expression & { kind: 'filter' }, at: Evaluation): unknown {
  const filter = FILTERS.get(node.name)
  if (filter === undefined) return fail(node, at, `there is no filter ${node.name}.`)
  const target = node.name === 'default' ? evaluate(node.target, at) : valueOf(node.target, at)
  const args = node.args.map((arg) => valueOf(arg, at))
  const mismatch = filter.mismatch(args)
  if (mismatch !== null) fail(node, at, `the filter ${node.name} ${mismatch}.`)
  try {
    return filter.apply(target, args, at.meter)
  } catch (error) {
    if (error instanceof Fault && error.reason === 'OUTPUT_INVALID')
      return fail(node, at, `the filter ${node.name} ${error.message}.`)
    throw error
  }
}

function contains(haystack: unknown, needle: unknown, place: Place, at: Evaluation): boolean {
  if (Array.isArray(haystack)) {
    at.meter.spend(haystack.length * 8)
    return haystack.some((item) => item === needle)
  }
  if (typeof haystack === 'string' && typeof needle === 'string') {
    at.meter.spend(haystack.length)
    return haystack.includes(needle)
  }
  return fail(
    place,
    at,
    `\`in\` looks in a list or for a text in a text, found ${kindOf(needle)} in ${kindOf(haystack)}.`,
  )
}

const ORDERS: Record<Exclude<Comparison, '==' | '!='>, (order: number) => boolean> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

/** == is that of JSON values without conversion; < orders two numbers, or two texts by code unit. */
function compare(node: Expression & { kind: 'compare' }, at: Evaluation): boolean {
  const left = valueOf(node.left, at)
  const right = valueOf(node.right, at)
  if (typeof left === 'string') at.meter.spend(left.length)
  if (node.operator === '==') return left === right
  if (node.operator === '!=') return left !== right
  const comparable = typeof left === typeof right && (typeof left === 'number' || typeof left === 'string')
  if (!comparable)
    fail(node, at, `${node.operator} compares two numbers or two texts, found ${kindOf(left)} and ${kindOf(right)}.`)
  const [a, b] = [left as number, right as number]
  return ORDERS[node.operator](a < b ? -1 : a > b ? 1 : 0)
}

function pathOf(node: Expression): string {
  if (node.kind === 'variable') return node.name
  if (node.kind === 'member')
    return `${pathOf(node.target)}${typeof node.key === 'number' ? `[${node.key}]` : `.${node.key}`}`
  return 'this'
}
