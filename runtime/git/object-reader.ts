import { createHash } from 'node:crypto'

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

/** Bytes of one object that a caller accepts who names no limit of his own. */
export const MAX_OBJECT_BYTES = 32 * 1024 * 1024

export type ObjectReader = {
  /**
   * The raw body of an object, hashed again before it is handed out.
   * @throws Fault `OBJECT_MISSING`, `OBJECT_CORRUPT` (also when it is of another type), `OBJECT_TOO_LARGE` (known from
   * the header, before it is inflated).
   */
  read: (oid: string, type: ObjectType, maxBytes?: number) => Promise<Buffer>
}

export type ObjectWriter = {
  /** Returns the oid of an object that is durable. Safe to call many times at once: directory syncs are shared. */
  write: (type: ObjectType, body: Uint8Array) => Promise<string>
}

export type GitObject = { type: ObjectType; body: Buffer }

export function objectId(type: ObjectType, body: Uint8Array): string {
  return createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex')
}
