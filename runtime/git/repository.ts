import type { ObjectReader, ObjectWriter } from './object-reader.ts'

/** `old: null` creates only; `new: null` deletes. Full ref names (`refs/heads/live`). */
export type RefUpdate = { ref: string; old: string | null; new: string | null }

export type Repository = ObjectReader &
  ObjectWriter & {
    /** The path or URL as the operator gave it; never holds credentials. */
    readonly location: string
    /**
     * `null` where no such ref exists. A remote answers with what its last `refresh` or push saw.
     * @throws Fault `REF_CORRUPT` for a malformed ref, never `null`.
     */
    readRef(ref: string): Promise<string | null>
    /** Refs below a prefix (`refs/tags/bundles/`) or the one ref of that name. */
    listRefs(prefix: string): Promise<Map<string, string>>
    /**
     * Compare-and-swap: all `old` values are compared before anything moves; then the refs move in the order given,
     * each durable before the next. A remote makes it one push, atomic where the server offers it.
     * @throws Fault `REF_CONFLICT` when somebody else was first; nothing has moved then.
     */
    updateRefs(updates: readonly RefUpdate[]): Promise<void>
    /** A remote: fetch into a scratch directory, verify, adopt. A local one: looks again whether it is safe to read. */
    refresh(): Promise<void>
    close(): Promise<void>
  }
