import type { ServedReport } from '../../schemas/http/fleet.ts'
import type { FollowStatus, ServedTenant } from './table.ts'

/** Bundles that are named at most; `seq` says all the same how far a Runtime is. */
const MAX_DIGESTS = 4_096
const MAX_REFUSED = 256

/** What a Runtime tells its controller that it serves. */
export function servedReport(
  { node, runtimeVersion }: { node: string; runtimeVersion: string },
  { status, reason_code, seq }: FollowStatus,
  tenants: Iterable<ServedTenant>,
): ServedReport {
  const digests = new Map<string, number>()
  const refused = new Map<string, string>()
  for (const { aliases } of tenants)
    for (const served of [aliases.current, aliases.candidate]) {
      if (served === undefined) continue
      const { digest } = served.state
      if (served.kind === 'refused') refused.set(digest, served.reason)
      else digests.set(digest, (digests.get(digest) ?? 0) + 1)
    }
  return {
    node,
    runtime_version: runtimeVersion,
    status,
    ...(reason_code === undefined ? {} : { reason_code }),
    seq,
    digests: Object.fromEntries([...digests].slice(0, MAX_DIGESTS)),
    refused: Object.fromEntries([...refused].slice(0, MAX_REFUSED)),
  }
}
