import type { FeatureRows } from './feature-rows.ts'

/** A row (at index 0) with the rows most like it, and their dot products, `dots[a * rows.length + b]`. */
export type Neighbourhood = { rows: Int32Array; dots: Float64Array }

/** Features that more than this share of the rows have say little about likeness and cost most of the time. */
const COMMON_SHARE = 0.1

/** Finds neighbourhoods of at most `size` rows. Likeness is the dot product over uncommon features; ties go by number. */
export function neighbourFinder(rows: FeatureRows, size: number): (row: number) => Neighbourhood {
  const postings = postingsOf(rows)
  const likeness = new Float64Array(rows.count)
  const dense = new Float64Array(rows.width)
  return (row) => {
    likeness.fill(0)
    for (let k = rows.starts[row] as number; k < (rows.starts[row + 1] as number); k++) {
      const id = rows.ids[k] as number
      const value = rows.values[k] as number
      const to = postings.starts[id + 1] as number
      for (let p = postings.starts[id] as number; p < to; p++) {
        const other = postings.rows[p] as number
        likeness[other] = (likeness[other] as number) + value * (postings.values[p] as number)
      }
    }
    likeness[row] = Infinity
    const nearest = largest(likeness, Math.min(size, rows.count))
    return { rows: nearest, dots: dotsOf(rows, nearest, dense) }
  }
}

type Postings = { starts: Int32Array; rows: Int32Array; values: Float64Array }

function postingsOf({ count, width, starts, ids, values }: FeatureRows): Postings {
  const counts = new Int32Array(width)
  for (const id of ids) counts[id] = (counts[id] as number) + 1
  const most = Math.max(8, count * COMMON_SHARE)
  const kept = new Int32Array(width + 1)
  for (let id = 0; id < width; id++) {
    const own = counts[id] as number
    kept[id + 1] = (kept[id] as number) + (own <= most ? own : 0)
  }
  const total = kept[width] as number
  const postings = { starts: kept, rows: new Int32Array(total), values: new Float64Array(total) }
  const next = kept.slice()
  for (let row = 0; row < count; row++) {
    for (let k = starts[row] as number; k < (starts[row + 1] as number); k++) {
      const id = ids[k] as number
      if ((counts[id] as number) > most) continue
      const at = next[id] as number
      next[id] = at + 1
      postings.rows[at] = row
      postings.values[at] = values[k] as number
    }
  }
  return postings
}

/** Indexes of the `size` largest values, largest first, ties by index; a heap with the least of them on top. */
function largest(values: Float64Array, size: number): Int32Array {
  const heap = new Int32Array(size)
  let held = 0
  const less = (a: number, b: number) => {
    const difference = (values[a] as number) - (values[b] as number)
    return difference < 0 || (difference === 0 && a > b) || (Number.isNaN(difference) && a > b)
  }
  const sink = (from: number) => {
    for (let at = from; ;) {
      let child = at * 2 + 1
      if (child >= held) return
      if (child + 1 < held && less(heap[child + 1] as number, heap[child] as number)) child += 1
      if (!less(heap[child] as number, heap[at] as number)) return
      const moved = heap[at] as number
      heap[at] = heap[child] as number
      heap[child] = moved
      at = child
    }
  }
  for (let index = 0; index < values.length; index++) {
    if (held < size) {
      heap[held++] = index
      if (held === size) for (let at = (size >> 1) - 1; at >= 0; at--) sink(at)
    } else if (less(heap[0] as number, index)) {
      heap[0] = index
      sink(0)
    }
  }
  return heap.sort((a, b) => (less(a, b) ? 1 : -1))
}

function dotsOf({ starts, ids, values }: FeatureRows, group: Int32Array, dense: Float64Array): Float64Array {
  const size = group.length
  const dots = new Float64Array(size * size)
  for (let a = 0; a < size; a++) {
    const row = group[a] as number
    const to = starts[row + 1] as number
    for (let k = starts[row] as number; k < to; k++) dense[ids[k] as number] = values[k] as number
    for (let b = a; b < size; b++) {
      const other = group[b] as number
      const end = starts[other + 1] as number
      let dot = 0
      for (let k = starts[other] as number; k < end; k++) {
        dot += (dense[ids[k] as number] as number) * (values[k] as number)
      }
      dots[a * size + b] = dot
      dots[b * size + a] = dot
    }
    for (let k = starts[row] as number; k < to; k++) dense[ids[k] as number] = 0
  }
  return dots
}
