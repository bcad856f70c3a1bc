import { Fault } from '../../../schemas/fault.ts'
import type { Meter } from './meter.ts'
import type { Expression } from './syntax.ts'

/** What an argument must be, checked before the bundle is sealed where it is a literal, and again at each use. */
export type Kind = 'text' | 'count' | 'truth' | 'any'

export type Filter = {
  usage: string
  /** What is wrong with the arguments as written, or null. */
  check(args: readonly Expression[]): string | null
  /** What is wrong with the arguments as evaluated, or null. */
  mismatch(args: readonly unknown[]): string | null
  /** @throws Fault `OUTPUT_INVALID` without a place when `value` is not what the filter takes. */
  apply(value: unknown, args: readonly unknown[], meter: Meter): unknown
}

/** Refuses what a filter does not take; the evaluator adds the place. */
export function misuse(message: string): never {
  throw new Fault('OUTPUT_INVALID', message)
}

export type FilterParts = {
  usage: string
  required?: Kind[]
  optional?: Kind[]
  apply: Filter['apply']
}

export function filter({ usage, required = [], optional = [], apply }: FilterParts): Filter {
  const kinds = [...required, ...optional]
  const mismatch = (args: readonly unknown[]) => {
    const wrong = args.findIndex((arg, index) => !isKind(arg, kinds[index] ?? 'any'))
    return wrong < 0 ? null : `takes ${NAMES[kinds[wrong]!]} as argument ${wrong + 1}`
  }
  return {
    usage,
    mismatch,
    apply,
    check(args) {
      if (args.length < required.length || args.length > kinds.length)
        return `takes ${count(required.length, kinds.length)}`
      const written = args.map((arg, index) => (arg.kind === 'literal' ? arg.value : sample(arg, kinds[index]!)))
      return mismatch(written)
    },
  }
}

/** 9 and 4096 keep what `round`, `truncate` and `indent` make small. */
function isKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string'
    case 'count':
      return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 4_096
    case 'truth':
      return typeof value === 'boolean'
    case 'any':
      return true
    default:
      return kind satisfies never
  }
}

/** Something of the right kind in the place of an argument that is only known when the template is rendered. */
function sample(arg: Expression, kind: Kind): unknown {
  if (arg.kind === 'list') return []
  return { text: '', count: 0, truth: false, any: null }[kind]
}

const NAMES = { text: 'a text', count: 'a whole number from 0 to 4096', truth: 'true or false', any: 'anything' }

function count(least: number, most: number): string {
  if (least === most) return least === 1 ? 'one argument' : `${least === 0 ? 'no' : least} arguments`
  return `${least} to ${most} arguments`
}

/** @throws Fault `OUTPUT_INVALID` */
export function text(value: unknown, meter: Meter): string {
  if (typeof value !== 'string') misuse(`takes a text, found ${kindOf(value)}`)
  meter.spend(value.length)
  return value
}

/** @throws Fault `OUTPUT_INVALID` */
export function list(value: unknown, meter: Meter): readonly unknown[] {
  if (!Array.isArray(value)) misuse(`takes a list, found ${kindOf(value)}`)
  meter.spend(value.length * 8)
  return value
}

/** @throws Fault `OUTPUT_INVALID` */
export function number(value: unknown): number {
  if (typeof value !== 'number') misuse(`takes a number, found ${kindOf(value)}`)
  return value
}

/** The kind of a value in words; never the value, which may be a secret. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'none'
  if (Array.isArray(value)) return 'a list'
  return (
    { string: 'a text', number: 'a number', boolean: 'true or false', object: 'an object' }[typeof value as string] ??
    'something else'
  )
}
