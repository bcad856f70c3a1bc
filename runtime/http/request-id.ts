import { randomUUID } from 'node:crypto'
import { REQUEST_ID } from '../../schemas/names.ts'

/** The id that the client gave, if it is well-formed; a new one otherwise. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get('x-request-id')
  return given !== null && REQUEST_ID.test(given) ? given : randomUUID()
}
