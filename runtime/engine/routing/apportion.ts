/** Below this, what is above zero cannot be stretched. */
const SMALLEST = 1e-6

/**
 * Whole numbers near `parts` that add up to `total`, a whole number that is not below zero. Where the parts add up to
 * more, those above zero shrink in proportion; where they add up to less, those below zero do, and when that is not
 * enough, those above zero grow. Without parts there is nothing to apportion.
 */
export function apportion(parts: readonly number[], total: number): number[] {
  const above = parts.reduce((sum, part) => sum + Math.max(0, part), 0)
  const below = parts.reduce((sum, part) => sum + Math.max(0, -part), 0)
  if (above < total)
    return rounded(
      parts.map((part) => partOfMore(part, above, total, parts.length)),
      total,
    )
  const upper = above - below > total ? (total + below) / above : 1
  const lower = above - below < total ? (above - total) / below : 1
  return rounded(
    parts.map((part) => (part > 0 ? part * upper : part * lower)),
    total,
  )
}

function partOfMore(part: number, above: number, total: number, count: number): number {
  return above < SMALLEST ? total / count : (Math.max(0, part) * total) / above
}

/** Rounds so that every running sum is off by less than one. */
function rounded(parts: readonly number[], total: number): number[] {
  const whole: number[] = []
  let exact = 0
  let given = 0
  for (const [i, part] of parts.entries()) {
    exact += part
    const upTo = i === parts.length - 1 ? total : Math.round(exact)
    whole.push(upTo - given)
    given = upTo
  }
  return whole
}
