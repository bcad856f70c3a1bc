/** `value` held to 0..`limit`. */
export function heldToRange(value: number, limit: number): number {
  return Math.min(limit, Math.max(0, value))
}

/**
 * Whole numbers near `parts` that add up to `total`, a whole number. Where the parts add up to more, those above zero
 * shrink in proportion; where they add up to less, those below zero do. Without parts there is nothing to apportion.
 */
export function apportion(parts: readonly number[], total: number): number[] {
  const above = parts.reduce((sum, part) => sum + Math.max(0, part), 0)
  const below = parts.reduce((sum, part) => sum + Math.max(0, -part), 0)
  const raiseBy = above - below > total && above > 0 ? (total + below) / above : 1
  const lowerBy = above - below < total && below > 0 ? (above - total) / below : 1
  const whole: number[] = []
  let exact = 0
  let given = 0
  for (const [i, part] of parts.entries()) {
    exact += part > 0 ? part * raiseBy : part * lowerBy
    const upTo = i === parts.length - 1 ? total : Math.round(exact)
    whole.push(upTo - given)
    given = upTo
  }
  return whole
}
