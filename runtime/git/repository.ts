import { Fault } from '../../schemas/fault.ts'
import { openLocalRepository } from './local-repository.ts'
import type { ObjectReader, ObjectWriter } from './object-reader.ts'
import { openRemoteRepository, type RemoteOptions } from './remote-repository.ts'
import { isUrl, notServed } from './remote-url.ts'

/** `old: null` creates only; `new: null` deletes. Full ref names (`refs/heads/live`). */
export type RefUpdate = { ref: string; old: string | null; new: string | null }

export type Repository = ObjectReader &
  ObjectWriter & {
    readonly kind: 'local' | 'remote'
    /** The path or URL as the operator gave it; never holds credentials. */
    readonly location: string
    /** The git directory on this machine: of a remote, its mirror. A place to watch, nothing to write to. */
    readonly gitdir: string
    /**
     * `null` where no such ref exists. A remote answers with what its last `refresh` or push saw.
     * @throws Fault `REF_CORRUPT` for a malformed ref, never `null`; `REF_NAME_INVALID`.
     */
    readRef: (ref: string) => Promise<string | null>
    /** Refs below a prefix (`refs/tags/bundles/`) or the one ref of that name; sorted. */
    listRefs: (prefix: string) => Promise<Map<string, string>>
    /**
     * Compare-and-swap: all `old` values are compared before anything moves; then the refs move in the order given,
     * each durable before the next. A remote makes it one push, atomic where the server offers it.
     * @throws Fault `REF_CONFLICT` when somebody else was first; nothing has moved then.
     */
    updateRefs: (updates: readonly RefUpdate[]) => Promise<void>
    /** The branch that HEAD names (`refs/heads/main`), `null` when it is detached. */
    head: () => Promise<string | null>
    /** A remote: fetch into a scratch directory, verify, adopt. A local one: looks again whether it is safe to read. */
    refresh: () => Promise<void>
    close: () => Promise<void>
  }

export type RepositoryOptions = Partial<RemoteOptions>

/**
 * Opens a repository by path (bare, or a work tree) or by http(s) URL; the options are for a URL, which needs `mirror`
 * and `fetch`. Nothing is asked of a server before the first `refresh`.
 * @throws Fault `CONFIG_INVALID` for any other kind of URL, `NOT_FOUND`, `REPOSITORY_UNSAFE`.
 */
export async function openRepository(location: string, options: RepositoryOptions = {}): Promise<Repository> {
  if (!isUrl(location)) return openLocalRepository(location)
  if (!/^https?:/i.test(location)) throw notServed(location)
  const { mirror, fetch } = options
  if (mirror === undefined || fetch === undefined)
    throw new Fault('CONFIG_INVALID', 'a registry by URL needs a directory for its mirror, and the refs to fetch')
  return openRemoteRepository(location, { ...options, mirror, fetch })
}
