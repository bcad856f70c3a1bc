/** Whether two JSON values are the same, whatever the order of their keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))]
  return (
    Array.isArray(a) === Array.isArray(b) &&
    left.length === right.size &&
    left.every(([key, value]) => right.has(key) && isSame(value, right.get(key)))
  )
}

/** Whether everything that `part` says, `whole` says too; lists are compared as they are. */
export function isPart(part: unknown, whole: unknown): boolean {
  if (typeof part !== 'object' || typeof whole !== 'object' || part === null || whole === null || Array.isArray(part))
    return isSame(part, whole)
  const known = new Map(Object.entries(whole))
  return Object.entries(part).every(([key, value]) => known.has(key) && isPart(value, known.get(key)))
}
