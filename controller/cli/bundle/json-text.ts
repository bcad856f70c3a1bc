import type { Pointer } from '../../../schemas/document.ts'
import { Fault } from '../../../schemas/fault.ts'
import { CASES } from '../../../schemas/limits.ts'
import { safeJson } from '../../../schemas/safe-json.ts'

/** Where a value stands in a text: offsets in UTF-16 code units. */
type Span = { start: number; end: number }

/** The text with another value at `pointer`, and everything else as its author wrote it. */
export function replaceValue(text: string, pointer: Pointer, value: unknown): string {
  const { start, end } = spanOf(text, pointer)
  const style = { ...styleOf(text), oneLine: !text.slice(start, end).includes('\n') }
  return text.slice(0, start) + formatted(value, style, indentAt(text, start)) + text.slice(end)
}

/** The text with one more item at the end of the array at `pointer`, written as the item before it is. */
export function appendItem(text: string, pointer: Pointer, item: unknown): string {
  const { start, end } = spanOf(text, pointer)
  const count = (valueAt(text, pointer) as unknown[]).length
  const style = styleOf(text)
  if (count === 0) {
    const outer = indentAt(text, start)
    const inner = outer + style.unit
    return `${text.slice(0, start)}[\n${inner}${formatted(item, { ...style, oneLine: false }, inner)}\n${outer}]${text.slice(end)}`
  }
  const last = spanOf(text, [...pointer, count - 1])
  const oneLine = !text.slice(last.start, last.end).includes('\n')
  const indent = indentAt(text, last.start)
  const before = /\n[ \t]*$/.test(text.slice(0, last.start)) ? `,\n${indent}` : ', '
  return text.slice(0, last.end) + before + formatted(item, { ...style, oneLine }, indent) + text.slice(last.end)
}

type Style = { unit: string; spaced: boolean; oneLine: boolean }

/** How a file is written: what one level is indented by, and whether there are spaces inside braces on one line. */
function styleOf(text: string): Style {
  const unit = /\n([ \t]+)"/.exec(text)?.[1] ?? '  '
  return { unit, spaced: !/\{"/.test(text), oneLine: false }
}

function formatted(value: unknown, { unit, spaced, oneLine }: Style, indent: string): string {
  if (oneLine) return oneLined(value, spaced)
  return JSON.stringify(value, null, unit).replaceAll('\n', `\n${indent}`)
}

function oneLined(value: unknown, spaced: boolean): string {
  if (!spaced || typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => oneLined(item, spaced)).join(', ')}]`
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${oneLined(item, spaced)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

/** Spaces and tabs at the start of the line of an offset. */
function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset)
  return /^[ \t]*/.exec(line)?.[0] ?? ''
}

function documentOf(text: string) {
  const { document, problems } = safeJson(Buffer.from(text), CASES)
  if (document !== null) return document
  const [{ code, line, column, message }] = problems
  throw new Fault(code, `${line}:${column}: ${message}`)
}

function valueAt(text: string, pointer: Pointer): unknown {
  let value = documentOf(text).value
  for (const step of pointer) value = (value as Record<string | number, unknown>)[step]
  return value
}

function spanOf(text: string, pointer: Pointer): Span {
  const { line, column } = documentOf(text).at(pointer)
  let start = 0
  for (let left = line - 1; left > 0; left -= 1) start = text.indexOf('\n', start) + 1
  start += column - 1
  return { start, end: endOf(text, start) }
}

/** The end of the value that begins at `start`, in a text that is JSON. */
function endOf(text: string, start: number): number {
  const token = /"(?:[^"\\]|\\.)*"|[[\]{}]|[^\s"[\]{},:]+/gy
  let depth = 0
  let at = start
  while (at < text.length) {
    token.lastIndex = at
    const found = token.exec(text)
    if (found === null) {
      at += 1
      continue
    }
    at = token.lastIndex
    if (found[0] === '{' || found[0] === '[') depth += 1
    if (found[0] === '}' || found[0] === ']') depth -= 1
    if (depth === 0) return at
  }
  return at
}
