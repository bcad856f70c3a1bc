import { readState } from '../../runtime/trust/state.ts'
import type { SealedVersion } from '../gates/gate.ts'
import type { Clone } from './clone.ts'

/**
 * Versions sealed so far by bundle, as the clone's copy of `live` lists them. A hint for authors that nothing is
 * decided by: the controller judges again by the `live` that it verified.
 */
export async function sealedVersions(clone: Clone): Promise<Map<string, SealedVersion[]>> {
  const head =
    (await clone.repository.readRef('refs/remotes/origin/live')) ?? (await clone.repository.readRef('refs/heads/live'))
  const sealed = new Map<string, SealedVersion[]>()
  if (head === null) return sealed
  const { seals } = await readState(clone.repository, head)
  for (const { bundle, version, source_digest, digest } of seals.values()) {
    sealed.set(bundle, [...(sealed.get(bundle) ?? []), { version, source_digest, digest }])
  }
  return sealed
}
