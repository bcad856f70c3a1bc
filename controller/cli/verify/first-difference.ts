type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

const SHOWN = 80

/** Where two JSON values first differ, and how: `findings[0].code: "A", not "B"`. */
export function firstDifference(found: unknown, expected: unknown): string {
  return difference(found as Json, expected as Json, '') ?? 'in nothing'
}

function difference(a: Json | undefined, b: Json | undefined, path: string): string | null {
  if (a === b) return null
  const isNested = typeof a === 'object' && typeof b === 'object' && a !== null && b !== null
  if (!isNested || Array.isArray(a) !== Array.isArray(b)) return `${path || 'the whole'}: ${shown(a)}, not ${shown(b)}`
  const left = a as Record<string, Json>
  const right = b as Record<string, Json>
  for (const key of [...new Set([...Object.keys(left), ...Object.keys(right)])].sort()) {
    const at = Array.isArray(a) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    const found = difference(left[key], right[key], at)
    if (found !== null) return found
  }
  return null
}

function shown(value: Json | undefined): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text
}
