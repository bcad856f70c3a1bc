import { filter, misuse, number } from './filter.ts'

const DECIMAL = /^\s{0,9}[+-]?\d{1,15}(?:\.\d{1,15})?\s{0,9}$/
const METHODS = { common: Math.round, ceil: Math.ceil, floor: Math.floor }

/** Filters that make numbers; only operations whose result is the same on every machine. */
export const NUMBER_FILTERS = {
  abs: filter({ usage: '{{ number | abs }}', apply: (value) => Math.abs(number(value)) }),
  float: filter({
    usage: '{{ text | float(0) }}',
    optional: ['any'],
    apply: (value, args) => decimal(value, args),
  }),
  int: filter({
    usage: '{{ text | int(0) }}',
    optional: ['any'],
    apply(value, args) {
      const found = decimal(value, args)
      return typeof found === 'number' ? Math.trunc(found) : found
    },
  }),
  round: filter({
    usage: '{{ number | round(2, "common") }}',
    optional: ['count', 'text'],
    apply(value, [digits = 0, method = 'common']) {
      const round = Object.hasOwn(METHODS, method as string) ? METHODS[method as keyof typeof METHODS] : null
      if (round === null || (digits as number) > 9) misuse('takes 0 to 9 digits, and "common", "ceil" or "floor"')
      const factor = Number(`1e${digits as number}`)
      const made = round(number(value) * factor) / factor
      return Number.isFinite(made) ? made : number(value)
    },
  }),
}

function decimal(value: unknown, [preset]: readonly unknown[]): unknown {
  if (typeof value === 'number') return value
  if (typeof value === 'string' && DECIMAL.test(value)) return Number(value)
  if (preset !== undefined) return preset
  return misuse('takes a decimal number')
}
