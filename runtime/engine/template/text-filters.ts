import { filter, kindOf, misuse, text } from './filter.ts'
import type { Meter } from './meter.ts'

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/** Filters that make text. Case follows Unicode's default mapping, never a locale. */
export const TEXT_FILTERS = {
  capitalize: filter({
    usage: '{{ text | capitalize }}',
    apply: (value, _args, meter) => capitalize(text(value, meter)),
  }),
  dump: filter({
    usage: '{{ value | dump }}',
    apply(value, _args, meter) {
      if (value === undefined) misuse('takes a value, found nothing')
      return measured(JSON.stringify(value), meter)
    },
  }),
  escape: filter({
    usage: '{{ text | escape }}',
    apply: (value, _args, meter) =>
      measured(
        text(value, meter).replace(/[&<>"'`]/g, (char) => ENTITIES[char]!),
        meter,
      ),
  }),
  indent: filter({
    usage: '{{ text | indent(4) }}',
    optional: ['count', 'truth'],
    apply(value, [width = 4, first = false], meter) {
      const lines = text(value, meter).split('\n')
      meter.fits(lines.length * (width as number))
      const margin = ' '.repeat(width as number)
      return measured(
        lines.map((line, index) => (index === 0 && first !== true ? line : margin + line)).join('\n'),
        meter,
      )
    },
  }),
  lower: filter({ usage: '{{ text | lower }}', apply: (value, _args, meter) => text(value, meter).toLowerCase() }),
  replace: filter({
    usage: '{{ text | replace("old", "new") }}',
    required: ['text', 'text'],
    apply(value, [old, replacement], meter) {
      if (old === '') misuse('needs something to look for')
      const parts = text(value, meter).split(old as string)
      meter.spend(parts.length * 8)
      meter.fits((value as string).length + (parts.length - 1) * (replacement as string).length)
      return measured(parts.join(replacement as string), meter)
    },
  }),
  string: filter({ usage: '{{ value | string }}', apply: (value, _args, meter) => measured(textOf(value), meter) }),
  title: filter({
    usage: '{{ text | title }}',
    apply: (value, _args, meter) => text(value, meter).split(' ').map(capitalize).join(' '),
  }),
  trim: filter({ usage: '{{ text | trim }}', apply: (value, _args, meter) => text(value, meter).trim() }),
  truncate: filter({
    usage: '{{ text | truncate(80) }}',
    optional: ['count', 'truth', 'text'],
    apply: (value, [length = 255, cut = false, end = '...'], meter) =>
      truncate(text(value, meter), length as number, cut === true, end as string),
  }),
  upper: filter({
    usage: '{{ text | upper }}',
    apply: (value, _args, meter) => measured(text(value, meter).toUpperCase(), meter),
  }),
  urlencode: filter({
    usage: '{{ text | urlencode }}',
    apply(value, _args, meter) {
      const source = text(value, meter)
      if (/[\ud800-\udfff]/u.test(source)) misuse('takes well-formed text')
      return measured(encodeURIComponent(source), meter)
    },
  }),
  wordcount: filter({
    usage: '{{ text | wordcount }}',
    apply: (value, _args, meter) => text(value, meter).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0,
  }),
}

/**
 * What `{{ value }}` prints: a text as it is, a number and true or false as JSON writes them, nothing for none.
 * @throws Fault `OUTPUT_INVALID` for a list, an object, and what is undefined.
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null) return ''
  return misuse(`cannot be printed: it is ${kindOf(value)}`)
}

function measured(made: string, meter: Meter): string {
  meter.fits(made.length)
  meter.spend(made.length)
  return made
}

function capitalize(source: string): string {
  const [first = ''] = source
  return first.toUpperCase() + source.slice(first.length).toLowerCase()
}

/** Cut at the last space before `length`, or at `length` itself, never inside a surrogate pair. */
function truncate(source: string, length: number, cut: boolean, end: string): string {
  if (source.length <= length) return source
  const space = cut ? -1 : source.lastIndexOf(' ', length)
  const kept = source.slice(0, space > 0 ? space : length)
  return (/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept) + end
}
