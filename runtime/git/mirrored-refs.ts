import { Fault } from '../../schemas/fault.ts'
import { matchesRef } from './ref-name.ts'
import type { Refs } from './refs.ts'
import type { RefUpdate } from './repository.ts'

/** How long what was read of a whole folder of refs is taken for what stands there. */
const REMEMBERED_MS = 5 * 60_000

export type MirroredRefs = {
  /**
   * The refs that are fetched, by name; `null` when one of them is torn. Branches are read from disk each time, folders
   * of tags once in five minutes: there is one for each sealed version, and nobody but this process moves them. Moves
   * are compared with the disk in any case, so what was remembered wrongly moves nothing.
   */
  read: () => Promise<{ refs: Map<string, string>; isWhole: boolean } | null>
  /** What stands there now. */
  moved: (updates: readonly RefUpdate[]) => void
  /** Something was not as remembered: the next `read` looks at every ref. */
  forget: () => void
}

export function mirroredRefs(refs: Pick<Refs, 'listRefs'>, fetched: readonly string[]): MirroredRefs {
  const folders = fetched.filter((each) => each.endsWith('/'))
  const names = fetched.filter((each) => !each.endsWith('/'))
  let inFolders: { refs: Map<string, string>; until: number } | null = null

  async function all(prefixes: readonly string[]): Promise<Map<string, string>> {
    const lists = await Promise.all(prefixes.map((prefix) => refs.listRefs(prefix)))
    return new Map(lists.flatMap((list) => [...list]))
  }

  return {
    async read() {
      const isWhole = inFolders === null || performance.now() >= inFolders.until
      try {
        if (isWhole) inFolders = { refs: await all(folders), until: performance.now() + REMEMBERED_MS }
        return { refs: new Map([...(inFolders?.refs ?? []), ...(await all(names))]), isWhole }
      } catch (error) {
        inFolders = null
        if (error instanceof Fault && error.reason === 'REF_CORRUPT') return null
        throw error
      }
    },
    moved(updates) {
      for (const { ref, new: value } of updates) {
        if (!folders.some((folder) => matchesRef(ref, folder))) continue
        if (value === null) inFolders?.refs.delete(ref)
        else inFolders?.refs.set(ref, value)
      }
    },
    forget() {
      inFolders = null
    },
  }
}
