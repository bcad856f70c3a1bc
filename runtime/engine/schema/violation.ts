import type { ErrorObject } from 'ajv'

/** How a value breaks a contract; `pointer` is a JSON pointer. Neither holds anything that the sender wrote. */
export type Violation = { pointer: string; message: string }

/**
 * Names of properties that no schema declares are the sender's words, and stand as `*` in the pointer.
 * The message tells what the schema wants, never what was found.
 */
export function violationOf(error: ErrorObject, schema: object): Violation {
  const declared = declaredNames(schema)
  const segments = error.instancePath.split('/').slice(1)
  const shown = segments.map((segment) =>
    /^\d{1,6}$/.test(segment) || declared.has(unescape(segment)) ? segment : '*',
  )
  return { pointer: shown.map((segment) => `/${segment}`).join(''), message: messageOf(error) }
}

function messageOf({ keyword, params, message, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'additionalProperties': {
      const names = Object.keys((parentSchema?.['properties'] as object | undefined) ?? {})
      return `must have no properties other than those declared${names.length === 0 ? '' : `: ${names.join(', ')}`}`
    }
    case 'propertyNames':
      return 'must have property names of the declared form'
    case 'enum': {
      const allowed: unknown = params['allowedValues']
      return `must be one of ${JSON.stringify(allowed).slice(0, 200)}`
    }
    default:
      return message ?? `must satisfy ${keyword}`
  }
}

/** Every key of a schema's `properties`, at any depth; schemas are small and this only runs when something is wrong. */
function declaredNames(schema: unknown): Set<string> {
  if (typeof schema !== 'object' || schema === null) return new Set()
  return new Set(
    Object.entries(schema).flatMap(([key, value]: [string, unknown]) => [
      ...(key === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []),
      ...declaredNames(value),
    ]),
  )
}

function unescape(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~')
}
