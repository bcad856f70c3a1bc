import type { RefUpdate, Repository } from '../../runtime/git/repository.ts'
import { BUNDLE_TAGS, tagRefOf } from '../../runtime/trust/bundle-tag.ts'
import { Fault } from '../../schemas/fault.ts'
import type { SealRecord } from '../../schemas/ledger/state.ts'

export type TagsRestored = { restored: string[]; conflicts: Fault[] }

/**
 * Puts back the tags of seals that were deleted. A tag that names something else is never moved: it is reported, and
 * Runtimes refuse it.
 */
export async function restoreTags(
  repository: Repository,
  seals: ReadonlyMap<string, SealRecord>,
): Promise<TagsRestored> {
  const found = await repository.listRefs(BUNDLE_TAGS)
  const missing: RefUpdate[] = []
  const conflicts: Fault[] = []
  for (const { bundle, version, tag_object } of seals.values()) {
    const ref = tagRefOf(bundle, version)
    const oid = found.get(ref)
    if (oid === undefined) missing.push({ ref, old: null, new: tag_object })
    else if (oid !== tag_object)
      conflicts.push(new Fault('TAG_CONFLICT', `${ref} names ${oid}, and live says ${tag_object}: somebody moved it.`))
  }
  for (const update of missing) await repository.read(update.new ?? '', 'tag')
  if (missing.length > 0) await repository.updateRefs(missing)
  return { restored: missing.map(({ ref }) => ref), conflicts }
}
