import { filter, kindOf, list, misuse, number, text } from './filter.ts'
import type { Meter } from './meter.ts'
import { textOf } from './text-filters.ts'

/** Filters over lists. None changes the list that it is given. */
export const LIST_FILTERS = {
  default: filter({
    usage: '{{ path | default("text") }}, or default("text", true) to replace whatever is empty',
    required: ['any'],
    optional: ['truth'],
    apply: (value, [preset, empty = false]) => (value === undefined || (empty === true && !value) ? preset : value),
  }),
  first: filter({ usage: '{{ list | first }}', apply: (value, _args, meter) => list(value, meter)[0] }),
  join: filter({
    usage: '{{ list | join(", ") }}',
    optional: ['text'],
    apply(value, [separator = ''], meter) {
      const parts = list(value, meter).map((item) => textOf(item))
      const chars = parts.reduce((sum, part) => sum + part.length + (separator as string).length, 0)
      meter.fits(chars)
      meter.spend(chars)
      return parts.join(separator as string)
    },
  }),
  last: filter({ usage: '{{ list | last }}', apply: (value, _args, meter) => list(value, meter).at(-1) }),
  length: filter({ usage: '{{ list | length }}', apply: (value, _args, meter) => sized(value, meter).length }),
  reverse: filter({
    usage: '{{ list | reverse }}',
    apply: (value, _args, meter) =>
      typeof value === 'string' ? Array.from(text(value, meter)).reverse().join('') : [...list(value, meter)].reverse(),
  }),
  sort: filter({ usage: '{{ list | sort }}', apply: (value, _args, meter) => sorted(list(value, meter), meter) }),
  sum: filter({
    usage: '{{ list | sum }}',
    apply: (value, _args, meter) => total(list(value, meter)),
  }),
}

function sized(value: unknown, meter: Meter): { length: number } {
  if (typeof value === 'string' || Array.isArray(value)) return value
  if (value !== null && typeof value === 'object') {
    const keys = Object.keys(value)
    meter.spend(keys.length * 8)
    return keys
  }
  return misuse(`takes a list or a text, found ${kindOf(value)}`)
}

/** Numbers by size, texts by code unit; never by locale. */
function sorted(items: readonly unknown[], meter: Meter): unknown[] {
  const kind = typeof items[0]
  if (items.length > 0 && ((kind !== 'number' && kind !== 'string') || items.some((item) => typeof item !== kind))) {
    misuse('takes a list of numbers or a list of texts')
  }
  const chars = items.reduce<number>((sum, item) => sum + (typeof item === 'string' ? item.length : 0), 0)
  meter.spend((items.length * 8 + chars) * Math.ceil(Math.log2(items.length + 1)))
  return [...(items as (string | number)[])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

function total(items: readonly unknown[]): number {
  const sum = items.reduce<number>((before, item) => before + number(item), 0)
  if (!Number.isFinite(sum)) misuse('makes a number that is too large')
  return sum
}
