import type { Reason } from './reasons.ts'

/** Steps from the root of a document: keys and indices (an index may be a decimal string). */
export type Pointer = readonly (string | number)[]

/** 1-based; `column` in UTF-16 code units. */
export type Place = { line: number; column: number }

/** Data and where each part of it stands; a pointer that leads nowhere gives the place of what it last passed. */
export type Document = {
  value: unknown
  /** How many values it holds, itself included. */
  nodes: number
  at: (pointer: Pointer, part?: 'key' | 'value') => Place
}

/** Why bytes are not data. `malformed` is false where the bytes are well-formed but more, or other, than is allowed. */
export type Problem = Place & { code: Reason; malformed: boolean; message: string; hint: string }

export type Reading = { document: Document; problems: [] } | { document: null; problems: [Problem, ...Problem[]] }

/**
 * For each object and array of a document the offsets of its parts: of each item of an array; of key and value, in
 * turn, of each of `Object.keys`, in that order.
 */
export type Offsets = Map<object, readonly number[]>

/** Turns offsets of `text` into places; the table of lines is made on first use. */
export function placesOf(text: string): (offset: number) => Place {
  let starts: number[] | null = null
  return (offset) => {
    starts ??= lineStarts(text)
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 }
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

export function documentOf(
  value: unknown,
  nodes: number,
  start: number,
  offsets: Offsets,
  placeOf: (offset: number) => Place,
): Document {
  const at: Document['at'] = (pointer, part = 'value') => {
    let node = value
    let spot = { key: start, value: start }
    for (const step of pointer) {
      const next = stepInto(node, step, offsets)
      if (next === null) return placeOf(spot.value)
      node = next.node
      spot = next
    }
    return placeOf(spot[part])
  }
  return { value, nodes, at }
}

function stepInto(node: unknown, step: string | number, offsets: Offsets) {
  if (typeof node !== 'object' || node === null) return null
  const spots = offsets.get(node)
  if (spots === undefined) return null
  if (Array.isArray(node)) {
    const spot = spots[Number(step)]
    return spot === undefined ? null : { node: node[Number(step)] as unknown, key: spot, value: spot }
  }
  const index = Object.keys(node).indexOf(String(step))
  const [key, value] = [spots[index * 2], spots[index * 2 + 1]]
  if (key === undefined || value === undefined) return null
  return { node: (node as Record<string, unknown>)[String(step)], key, value }
}
